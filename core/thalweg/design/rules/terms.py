"""Rules on tariffs and agreements: each charge has one price and at most one way to be shared, completely."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.draft import Draft
from thalweg.design.exchanges import Exchange
from thalweg.design.rules.exchanges import leaf_known
from thalweg.design.terms import Agreement, Split, Step, Tariff
from thalweg.errors import Problem


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    charged: dict[str, str] = {}
    for path, tariff in draft.tariffs.entries:
        yield from _tariff(draft, path, tariff)
        if tariff.on in charged:
            yield Problem(
                f"{path}.on", f"{tariff.on!r} is charged by {charged[tariff.on]!r} already", "keep one tariff"
            )
        charged.setdefault(tariff.on, tariff.id)
    claimed: dict[str, str] = {}
    for path, agreement in draft.agreements.entries:
        paid = draft.exchanges.get(agreement.on)
        yield from draft.exchanges.unknown(f"{path}.on", agreement.on)
        if agreement.on in claimed:
            message = f"the charge {agreement.on!r} is shared by {claimed[agreement.on]!r} already"
            yield Problem(f"{path}.on", message, "put all steps into one agreement")
        claimed.setdefault(agreement.on, agreement.id)
        if paid:
            yield from _shared(draft, path, paid)
            yield from _net_of(draft, path, agreement, paid)
        yield from _steps(path, agreement)
        for number, step in enumerate(agreement.steps):
            yield from _recipients(draft, f"{path}.steps[{number}].to", step, paid)


def _tariff(draft: Draft, path: str, tariff: Tariff) -> Iterator[Problem]:
    yield from draft.exchanges.unknown(f"{path}.on", tariff.on)
    exchange = draft.exchanges.get(tariff.on)
    if exchange and not exchange.is_money:
        yield Problem(f"{path}.on", f"{tariff.on!r} is {exchange.medium}, not money", "name a money exchange")
    if tariff.unit_price is None and tariff.flat is None:
        yield Problem(path, "it sets no price", "give `unit_price`, `flat` or both")


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
        else:
            yield from _same_groups(draft, place, paid, exchange)


def _same_groups(draft: Draft, place: str, paid: Exchange, deducted: Exchange) -> Iterator[Problem]:
    paid_meter, deducted_meter = draft.meter_of(paid), draft.meter_of(deducted)
    if paid_meter is None or deducted_meter is None:
        return
    if mixed := [name for name in paid_meter.group_by if name not in deducted_meter.group_by]:
        message = f"meter {deducted_meter.id!r} mixes what meter {paid_meter.id!r} keeps apart"
        yield Problem(place, message, f"add {', '.join(mixed)} to the `group_by` of {deducted_meter.id!r}")


def _steps(path: str, agreement: Agreement) -> Iterator[Problem]:
    seen: set[str] = set()
    total = sum(step.percent for step in agreement.steps)
    for number, step in enumerate(agreement.steps):
        place = f"{path}.steps[{number}]"
        is_last = number == len(agreement.steps) - 1
        if step.id in seen:
            yield Problem(f"{place}.id", f"the id {step.id!r} is taken by another step", "choose another id")
        seen.add(step.id)
        if is_last and not step.is_remainder:
            yield Problem(f"{place}.take", "the last step must take the remainder", "add a step with `take: remainder`")
        if step.is_remainder and not is_last:
            yield Problem(f"{place}.take", "steps behind the remainder get nothing", "make it the last step")
        if not 0 <= step.percent <= 100:
            yield Problem(f"{place}.take.percent_of_gross", "it is not between 0 and 100", "write a percentage")
    if total > 100:
        yield Problem(f"{path}.steps", "the steps take more than 100 percent of gross", "lower the percentages")


def _recipients(draft: Draft, path: str, step: Step, paid: Exchange | None) -> Iterator[Problem]:
    split = isinstance(step.to, Split)
    for role, weight in step.weights.items():
        place = f"{path}.split.{role}" if split else path
        yield from leaf_known(draft, place, role)
        if weight < 0:
            yield Problem(place, "a weight is negative", "write a weight of 0 or more")
        if paid is None or not draft.tariffs.is_complete:
            continue
        drawn = draft.drawn_shares.get((paid.target, role), [])
        if len(drawn) > 1:
            names = " and ".join(repr(exchange.id) for exchange in drawn)
            yield Problem(place, f"{names} both carry shares to {role!r}", "keep one of these exchanges")
    if sum(step.weights.values()) <= 0:
        yield Problem(path, "no weight is positive", "give at least one recipient a positive weight")
