"""Rules on agreements in their design: a charge is shared at most once, completely, among parties that are known."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.agreements import Agreement, Split, Step, counted_by, reached_by
from thalweg.design.draft import Draft
from thalweg.design.exchanges import Exchange
from thalweg.design.rules import agreement_versions
from thalweg.design.rules.agreement_amounts import amount_problems
from thalweg.design.rules.agreement_steps import problems_in_itself
from thalweg.design.rules.exchanges import leaf_known
from thalweg.design.rules.pools import account_problems, period_problems, pool_problems
from thalweg.design.takes import PerUnit, Tiered
from thalweg.errors import Problem
from thalweg.units import REGISTRY


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    fed = {pool for _, agreement in draft.agreements.entries for pool in agreement.pools}
    units = {meter.id: meter.unit for _, meter in draft.meters.entries}
    for path, agreement in draft.agreements.entries:
        paid = draft.exchanges.get(agreement.on)
        if agreement.on is None:
            yield from _fed_by_others(draft, path, agreement, fed)
        else:
            yield from draft.exchanges.unknown(f"{path}.on", agreement.on)
        if paid:
            yield from _shared(draft, path, paid)
            yield from _net_of(draft, path, agreement, paid)
        yield from problems_in_itself(path, agreement)
        yield from amount_problems(path, agreement, draft.currency or "", units)
        feeding = _charges_behind(draft, agreement)
        for number, step in enumerate(agreement.steps):
            yield from _recipients(draft, f"{path}.steps[{number}].to", step, paid)
            yield from _meters(draft, f"{path}.steps[{number}]", step, feeding)
        for number, guarantee in enumerate(agreement.guarantees):
            for role in (guarantee.party, *guarantee.funded_by):
                yield from leaf_known(draft, f"{path}.guarantees[{number}]", role)
        for number, reserve in enumerate(agreement.reserves):
            yield from leaf_known(draft, f"{path}.reserves[{number}].party", reserve.party)
    yield from agreement_versions.problems(draft)
    yield from pool_problems(draft.agreements.entries)
    yield from account_problems(draft.agreements.entries)
    yield from period_problems(draft.agreements.entries)


def _fed_by_others(draft: Draft, path: str, agreement: Agreement, fed: set[str]) -> Iterator[Problem]:
    if agreement.id not in fed and draft.agreements.is_complete:
        yield Problem(f"{path}.on", "nothing feeds this agreement", "add `on:`, or a step elsewhere `to` its pool")
    if agreement.deductions:
        yield Problem(f"{path}.base", "a pool has no charges to take off", "use gross, or add `on:`")


def _shared(draft: Draft, path: str, paid: Exchange) -> Iterator[Problem]:
    if not paid.is_money:
        yield Problem(f"{path}.on", f"{paid.id!r} is {paid.medium}, not money", "name a money exchange")
    elif not draft.may_be_charged(paid.id):
        yield Problem(f"{path}.on", f"no tariff charges {paid.id!r}", "add a tariff, or name an exchange that has one")


def _net_of(draft: Draft, path: str, agreement: Agreement, paid: Exchange) -> Iterator[Problem]:
    for number, deducted in enumerate(agreement.deductions):
        place = f"{path}.base.net_of[{number}]"
        yield from draft.exchanges.unknown(place, deducted)
        exchange = draft.exchanges.get(deducted)
        if exchange is None:
            continue
        if deducted in agreement.deductions[:number]:
            yield Problem(place, f"{deducted!r} is taken off twice", "name it once")
        if not draft.may_be_charged(deducted) or deducted == paid.id:
            yield Problem(place, f"{deducted!r} is no other charge", "name another money exchange that has a tariff")
        elif exchange.source != paid.target:
            message = f"{deducted!r} is paid by {exchange.source!r}, not by {paid.target!r}, who shares"
            yield Problem(place, message, f"name a charge that {paid.target!r} pays")
        elif (meter := draft.meter_of(exchange)) is not None:
            yield from _same_groups(draft, place, paid, meter.id)


def _charges_behind(draft: Draft, agreement: Agreement) -> list[Exchange]:
    """The exchanges whose charges reach an agreement, through pools too."""
    known = [other for _, other in draft.agreements.entries]
    reaching = [other for other in known if agreement in reached_by(other, known)]
    found = [draft.exchanges.get(other.on) for other in reaching if other.on is not None]
    return [exchange for exchange in found if exchange is not None]


def _meters(draft: Draft, path: str, step: Step, feeding: list[Exchange]) -> Iterator[Problem]:
    """The meters that a step counts units by are known, their units convert, and they tell the same parties apart."""
    for meter_id, symbol in counted_by(step):
        place = _place_of_meter(path, step, meter_id)
        yield from draft.meters.unknown(f"{place}.meter", meter_id)
        meter = draft.meters.get(meter_id)
        if symbol is not None and symbol not in REGISTRY:
            yield Problem(f"{place}.unit", f"unknown unit {symbol!r}", f"use one of {', '.join(REGISTRY)}")
        elif symbol is not None and meter and not _converts(symbol, meter.unit):
            remedy = f"use a unit that converts to {meter.unit}, or another meter"
            yield Problem(f"{place}.unit", f"its meter counts {meter.unit}, not {symbol}", remedy)
        for paid in feeding if meter else ():
            yield from _same_groups(draft, f"{place}.meter", paid, meter_id)
    attribute = None if step.when is None else step.when.attribute
    for paid in feeding if attribute is not None else ():
        paid_meter = draft.meter_of(paid)
        if paid_meter and attribute not in paid_meter.group_by:
            message = f"meter {paid_meter.id!r} mixes the values of {attribute!r}"
            remedy = f"add {attribute} to the `group_by` of {paid_meter.id!r}"
            yield Problem(f"{path}.when.attribute", message, remedy)


def _converts(symbol: str, other: str) -> bool:
    return other not in REGISTRY or REGISTRY[symbol].dimension == REGISTRY[other].dimension


def _place_of_meter(path: str, step: Step, meter_id: str) -> str:
    """Where the step names the meter."""
    match step.take:
        case PerUnit(per_unit=rate) if rate.meter == meter_id:
            return f"{path}.take.per_unit"
        case Tiered(tiered=tiers) if tiers.meter == meter_id:
            return f"{path}.take.tiered"
        case _:
            return f"{path}.when"


def _same_groups(draft: Draft, place: str, paid: Exchange, meter_id: str) -> Iterator[Problem]:
    """Problems if `meter_id` mixes what the charge's own meter keeps apart."""
    paid_meter, meter = draft.meter_of(paid), draft.meters.get(meter_id)
    if paid_meter is None or meter is None:
        return
    if mixed := [name for name in paid_meter.group_by if name not in meter.group_by]:
        message = f"meter {meter.id!r} mixes what meter {paid_meter.id!r} keeps apart"
        yield Problem(place, message, f"add {', '.join(mixed)} to the `group_by` of {meter.id!r}")


def _recipients(draft: Draft, path: str, step: Step, paid: Exchange | None) -> Iterator[Problem]:
    if step.pool is not None:
        yield from draft.agreements.unknown(f"{path}.pool", step.pool)
    for role in step.weights:
        place = f"{path}.split.{role}" if isinstance(step.to, Split) else path
        yield from leaf_known(draft, place, role)
        if paid is None or not draft.tariffs.is_complete:
            continue
        drawn = draft.drawn_shares.get((paid.target, role), [])
        if len(drawn) > 1:
            names = " and ".join(repr(exchange.id) for exchange in drawn)
            yield Problem(place, f"{names} both carry shares to {role!r}", "keep one of these exchanges")
