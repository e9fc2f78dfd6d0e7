"""Rules on an agreement's amounts and bounds: none is finer than what is counted, so that all can be met exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from thalweg.design.agreements import Agreement, Step
from thalweg.design.fields import exact
from thalweg.design.takes import Flat, Of, Recoup, Tiered
from thalweg.errors import MoneyError, Problem
from thalweg.money import atoms_per_major_unit
from thalweg.units import REGISTRY


def amount_problems(path: str, agreement: Agreement, currency: str, units: Mapping[str, str]) -> Iterator[Problem]:
    """Breaches, in the document's order. `units`: meter id → symbol; what is not known there is not checked."""
    try:
        atoms = atoms_per_major_unit(currency)
    except MoneyError:
        return
    for number, step in enumerate(agreement.steps):
        for place, amount in _amounts(f"{path}.steps[{number}]", step):
            if (exact(amount) * atoms).denominator != 1:
                yield Problem(place, f"{amount} {currency} is finer than an atom", "write fewer decimal places")
        for place, bound, symbol in _quantities(f"{path}.steps[{number}]", step, units):
            if symbol in REGISTRY and (exact(bound) * REGISTRY[symbol].steps).denominator != 1:
                yield Problem(place, f"{bound} {symbol} is finer than what is counted", "write fewer decimal places")
    for number, guarantee in enumerate(agreement.guarantees):
        if (exact(guarantee.minimum) * atoms).denominator != 1:
            message = f"{guarantee.minimum} {currency} is finer than an atom"
            yield Problem(f"{path}.guarantees[{number}].minimum", message, "write fewer decimal places")


def _amounts(place: str, step: Step) -> Iterator[tuple[str, str]]:
    """Path and text of each amount that a step can meet exactly. A price per unit may be as fine as it likes."""
    match step.take:
        case Flat(flat=flat):
            yield f"{place}.take.flat.amount", flat.amount
        case Recoup(recoup=recoup):
            yield f"{place}.take.recoup.total", recoup.total
        case Tiered(tiered=tiers) if tiers.on is Of.GROSS:
            for number, (upper, _) in enumerate(tiers.tiers):
                if upper is not None:
                    yield f"{place}.take.tiered.tiers[{number}][0]", upper
        case _:
            pass
    if step.cap is not None:
        yield f"{place}.cap.amount", step.cap.amount
    if step.floor_of_remainder is not None:
        yield f"{place}.floor_of_remainder", step.floor_of_remainder
    if step.when is not None and step.when.of is Of.GROSS:
        yield from _bounds(place, step)


def _quantities(place: str, step: Step, units: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, text and unit of each bound on units."""
    if isinstance(step.take, Tiered) and step.take.tiered.on is Of.UNITS:
        tiers = step.take.tiered
        symbol = tiers.unit or units.get(tiers.meter or "", "")
        for number, (upper, _) in enumerate(tiers.tiers):
            if upper is not None:
                yield f"{place}.take.tiered.tiers[{number}][0]", upper, symbol
    if step.when is not None and step.when.of is Of.UNITS:
        for where, bound in _bounds(place, step):
            yield where, bound, units.get(step.when.meter or "", "")


def _bounds(place: str, step: Step) -> Iterator[tuple[str, str]]:
    for key in ("above", "up_to"):
        if step.when is not None and (bound := getattr(step.when, key)) is not None:
            yield f"{place}.when.{key}", bound
