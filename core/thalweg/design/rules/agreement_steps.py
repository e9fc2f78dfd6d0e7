"""Rules on an agreement in itself, whatever design it is in: its steps, takes, modifiers, guarantees and reserves."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from thalweg.design.agreements import Agreement, Split, Step, When
from thalweg.design.fields import exact
from thalweg.design.takes import (
    Flat,
    Of,
    PercentOfGross,
    PercentOfRemainder,
    PerUnit,
    Recoup,
    Tiered,
    Tiers,
)
from thalweg.errors import Problem

_HUNDRED = Fraction(100)


def problems_in_itself(path: str, agreement: Agreement) -> Iterator[Problem]:
    """Breaches that can be seen without the rest of the design, in the document's order."""
    seen: set[str] = set()
    for number, step in enumerate(agreement.steps):
        place = f"{path}.steps[{number}]"
        if step.id in seen:
            yield Problem(f"{place}.id", f"the id {step.id!r} is taken by another step", "choose another id")
        seen.add(step.id)
        yield from _remainder(place, step, is_last=number == len(agreement.steps) - 1)
        yield from _take(f"{place}.take", step)
        yield from _weights(f"{place}.to", step)
        yield from _modifiers(place, step)
    if sum(step.percent for step in agreement.steps) > _HUNDRED:
        yield Problem(f"{path}.steps", "the steps take more than 100 percent of gross", "lower the percentages")
    yield from _priorities(path, agreement)
    yield from _accounts(path, agreement)
    yield from _close(path, agreement)


def _remainder(place: str, step: Step, *, is_last: bool) -> Iterator[Problem]:
    if is_last and not step.is_remainder:
        yield Problem(f"{place}.take", "the last step must take the remainder", "add a step with `take: remainder`")
    if step.is_remainder and not is_last:
        yield Problem(f"{place}.take", "steps behind the remainder get nothing", "make it the last step")
    if step.is_remainder:
        for key in ("cap", "when", "floor_of_remainder", "priority"):
            if getattr(step, key) is not None:
                message = "the remainder is all that is left, without condition"
                yield Problem(f"{place}.{key}", message, "remove it, or put a step with this condition in front")


def _take(place: str, step: Step) -> Iterator[Problem]:
    match step.take:
        case PercentOfGross(percent_of_gross=percent):
            yield from _percent(f"{place}.percent_of_gross", percent)
        case PercentOfRemainder(percent_of_remainder=percent):
            yield from _percent(f"{place}.percent_of_remainder", percent)
        case PerUnit(per_unit=rate):
            yield from _not_negative(f"{place}.per_unit.amount", rate.amount)
        case Flat(flat=flat):
            yield from _not_negative(f"{place}.flat.amount", flat.amount)
        case Recoup(recoup=recoup):
            yield from _not_negative(f"{place}.recoup.total", recoup.total)
            yield from _percent(f"{place}.recoup.percent_of_remainder", recoup.percent_of_remainder)
        case Tiered(tiered=tiers):
            yield from _tiers(f"{place}.tiered", tiers)
        case _:
            pass


def _tiers(place: str, tiers: Tiers) -> Iterator[Problem]:
    yield from _counted(place, tiers.on, tiers.meter, tiers.unit)
    lower: Fraction = Fraction(0)
    for number, ((upper, _), (_, rate)) in enumerate(zip(tiers.bounds, tiers.tiers, strict=True)):
        spot = f"{place}.tiers[{number}]"
        is_last = number == len(tiers.tiers) - 1
        if is_last != (upper is None):
            message = "the last tier has no upper bound" if is_last else "only the last tier has no upper bound"
            yield Problem(f"{spot}[0]", message, "write null" if is_last else "write the tier's upper bound")
        elif upper is not None:
            if upper <= lower:
                message = "tiers must increase: this bound is not above the one before"
                yield Problem(f"{spot}[0]", message, "order the tiers by their bounds, beginning above 0")
            lower = upper
        yield from (_percent if tiers.on is Of.GROSS else _not_negative)(f"{spot}[1]", rate)


def _counted(place: str, of: Of, meter: str | None, unit: str | None = None) -> Iterator[Problem]:
    if of is Of.UNITS and meter is None:
        yield Problem(f"{place}.meter", "units need a meter that counts them", "add `meter:`")
    if of is Of.GROSS and (meter is not None or unit is not None):
        key = "meter" if meter is not None else "unit"
        yield Problem(f"{place}.{key}", "gross is counted in money", f"remove it, or count `units` instead of {of}")


def _weights(place: str, step: Step) -> Iterator[Problem]:
    for role, weight in step.weights.items():
        if weight < 0:
            spot = f"{place}.split.{role}" if isinstance(step.to, Split) else place
            yield Problem(spot, "a weight is negative", "write a weight of 0 or more")
    if step.pool is None and sum(step.weights.values()) <= 0:
        yield Problem(place, "no weight is positive", "give at least one recipient a positive weight")


def _modifiers(place: str, step: Step) -> Iterator[Problem]:
    if step.cap is not None:
        yield from _not_negative(f"{place}.cap.amount", step.cap.amount)
    if step.floor_of_remainder is not None:
        yield from _not_negative(f"{place}.floor_of_remainder", step.floor_of_remainder)
    if step.when is not None:
        yield from _when(f"{place}.when", step.when)
        if step.when.has_threshold and isinstance(step.take, Tiered):
            message = "tiers begin at thresholds of their own"
            yield Problem(f"{place}.when", message, "put the threshold into the tiers")


def _when(place: str, when: When) -> Iterator[Problem]:
    if (when.attribute is None) != (when.is_in is None):
        key = "attribute" if when.attribute is None else "in"
        yield Problem(f"{place}.{key}", "`attribute` and `in` belong together", "give both, or none")
    if when.from_date is not None and when.until is not None and when.until <= when.from_date:
        yield Problem(f"{place}.until", "it ends before it begins", "write a day after `from`")
    yield from _counted(place, when.of, when.meter)
    for key, bound in (("above", when.above), ("up_to", when.up_to)):
        if bound is not None:
            yield from _not_negative(f"{place}.{key}", bound)
    if when.above is not None and when.up_to is not None and exact(when.up_to) <= exact(when.above):
        yield Problem(f"{place}.up_to", "nothing is above the one and up to the other", "make `up_to` the larger one")
    if not (when.has_threshold or when.attribute or when.is_in or when.from_date or when.until):
        yield Problem(place, "it says no condition", "give an attribute, a date or a threshold, or remove it")


def _priorities(path: str, agreement: Agreement) -> Iterator[Problem]:
    highest: int | None = None
    for number, step in enumerate(agreement.steps):
        if step.priority is None:
            continue
        place = f"{path}.steps[{number}].priority"
        if highest is not None and step.priority < highest:
            yield Problem(place, "steps take in their order, and this one is behind", "order the steps by priority")
        elif step.priority == highest and agreement.steps[number - 1].priority != highest:
            message = "another step stands between steps of equal priority"
            yield Problem(place, message, "put steps of equal priority side by side")
        highest = step.priority if highest is None else max(highest, step.priority)


def _accounts(path: str, agreement: Agreement) -> Iterator[Problem]:
    steps: dict[str, str] = {}
    for number, step in enumerate(agreement.steps):
        if isinstance(step.take, Recoup):
            account = step.take.recoup.account
            if account in steps:
                message = f"the account {account!r} is recouped by {steps[account]!r} already"
                yield Problem(f"{path}.steps[{number}].take.recoup.account", message, "name another account")
            steps.setdefault(account, step.id)


def _close(path: str, agreement: Agreement) -> Iterator[Problem]:
    for number, guarantee in enumerate(agreement.guarantees):
        place = f"{path}.guarantees[{number}]"
        yield from _not_negative(f"{place}.minimum", guarantee.minimum)
        if guarantee.per not in (None, agreement.period):
            message = f"the agreement's period is a {agreement.period}"
            yield Problem(f"{place}.per", message, f"write {agreement.period}, or change `period`")
        if guarantee.party in guarantee.funded_by:
            yield Problem(f"{place}.funded_by", f"{guarantee.party!r} would give to itself", "name others")
        if len(set(guarantee.funded_by)) < len(guarantee.funded_by):
            yield Problem(f"{place}.funded_by", "a party is named twice", "name each once")
    reserved: dict[str, Fraction] = {}
    for number, reserve in enumerate(agreement.reserves):
        place = f"{path}.reserves[{number}].percent"
        yield from _percent(place, reserve.percent)
        reserved[reserve.party] = reserved.get(reserve.party, Fraction(0)) + exact(reserve.percent)
        if reserved[reserve.party] > _HUNDRED >= exact(reserve.percent):
            yield Problem(place, f"more than 100 percent of {reserve.party!r} are held back", "lower the percentages")


def _percent(place: str, percent: str) -> Iterator[Problem]:
    if not 0 <= exact(percent) <= _HUNDRED:
        yield Problem(place, "it is not between 0 and 100", "write a percentage")


def _not_negative(place: str, amount: str) -> Iterator[Problem]:
    if exact(amount) < 0:
        yield Problem(place, "it is negative", "write 0 or more")
