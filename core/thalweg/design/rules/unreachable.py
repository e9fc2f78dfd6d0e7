"""Warnings on agreements: steps that never get anything. No error: terms may be written so, but hardly on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from thalweg.design.agreements import Agreement, Step
from thalweg.design.fields import exact
from thalweg.design.takes import Flat, Of, PercentOfGross, PercentOfRemainder, PerUnit, Recoup, Tiered
from thalweg.errors import Problem


def warnings(path: str, agreement: Agreement) -> Iterator[Problem]:
    """What deserves a second look in an agreement that is sound, in the document's order."""
    percent = Fraction(0)
    emptied_by: str | None = None
    for number, step in enumerate(agreement.steps):
        place = f"{path}.steps[{number}]"
        if emptied_by is not None:
            remedy = f"let {emptied_by!r} take less, or put this step in front of it"
            yield Problem(place, f"{step.id!r} never gets anything: {emptied_by!r} leaves nothing", remedy)
        elif _takes_nothing(step):
            yield Problem(f"{place}.take", f"{step.id!r} takes nothing", "give it an amount, or remove it")
        if _is_limited(step):
            continue
        percent += step.percent
        takes_all = isinstance(step.take, PercentOfRemainder) and exact(step.take.percent_of_remainder) == 100
        beside = number + 1 < len(agreement.steps) and _side_by_side(step, agreement.steps[number + 1])
        if emptied_by is None and (takes_all or percent == 100) and not beside:
            emptied_by = step.id
    yield from _bounds_beyond_caps(path, agreement)


def _bounds_beyond_caps(path: str, agreement: Agreement) -> Iterator[Problem]:
    """Tiers of gross that begin where the step's cap is used up already."""
    for number, step in enumerate(agreement.steps):
        if not isinstance(step.take, Tiered) or step.cap is None or step.take.tiered.on is not Of.GROSS:
            continue
        tiers, taken, lower = step.take.tiered, Fraction(0), Fraction(0)
        if tiers.per is not step.cap.per or tiers.mode != "graduated":
            continue
        for tier, (upper, rate) in enumerate(tiers.bounds):
            if taken >= exact(step.cap.amount):
                place = f"{path}.steps[{number}].take.tiered.tiers[{tier}]"
                yield Problem(place, "the cap is used up before this tier begins", "raise the cap, or remove the tier")
            if upper is not None:
                taken += (upper - lower) * rate / 100
                lower = upper


def _is_limited(step: Step) -> bool:
    return step.cap is not None or step.when is not None or step.floor_of_remainder is not None


def _side_by_side(one: Step, other: Step) -> bool:
    return one.priority is not None and one.priority == other.priority


def _takes_nothing(step: Step) -> bool:
    numbers: tuple[str, ...] = ("1",)
    match step.take:
        case PercentOfGross(percent_of_gross=percent) | PercentOfRemainder(percent_of_remainder=percent):
            numbers = (percent,)
        case PerUnit(per_unit=rate):
            numbers = (rate.amount,)
        case Flat(flat=flat):
            numbers = (flat.amount,)
        case Recoup(recoup=recoup):
            numbers = (recoup.total, recoup.percent_of_remainder)
        case Tiered(tiered=tiers):
            numbers = (str(sum(rate for _, rate in tiers.bounds)),)
        case _:
            pass
    if step.cap is not None:
        numbers += (step.cap.amount,)
    return any(Fraction(number) == 0 for number in numbers)
