"""Rules on tariffs: every charge has a price that is defined at each moment, once, and by what is measured."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.draft import Draft
from thalweg.design.expressions import Expression
from thalweg.design.fields import exact
from thalweg.design.meters import Meter
from thalweg.design.rules import prices, validity
from thalweg.design.tariffs import Charge, Limit, PercentOf, Scope, Tariff
from thalweg.errors import ExpressionError, Problem


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    for path, tariff in draft.tariffs.entries:
        yield from draft.exchanges.unknown(f"{path}.on", tariff.on)
        exchange = draft.exchanges.get(tariff.on)
        if exchange and not exchange.is_money:
            yield Problem(f"{path}.on", f"{tariff.on!r} is {exchange.medium}, not money", "name a money exchange")
        meter = draft.meter_of(exchange) if exchange else None
        yield from validity.problems(path, tariff, draft.zone)
        yield from _components(path, tariff)
        if tariff.payer is not None:
            yield from prices.grouped(f"{path}.payer", tariff.payer, meter)
        for place, charge in _charges(path, tariff):
            yield from _charge(draft, place, charge, meter)
            if charge.percent_of:
                yield from _percent(draft, f"{place}.percent_of", charge.percent_of, tariff)
                yield from _timeless(f"{place}.percent_of", tariff)
        yield from _occurrences(path, tariff)
        yield from _widening(draft, path, tariff)
    yield from _versions(draft)


def _charges(path: str, tariff: Tariff) -> Iterator[tuple[str, Charge]]:
    yield path, tariff
    for number, part in enumerate(tariff.components):
        yield f"{path}.components[{number}]", part


def _components(path: str, tariff: Tariff) -> Iterator[Problem]:
    if not tariff.has_price and not tariff.components:
        yield Problem(path, "it sets no price", "give `unit_price`, `flat` or both, or another price")
    seen: set[str] = set()
    for number, part in enumerate(tariff.components):
        if part.id in seen:
            message = f"the id {part.id!r} is taken by another component"
            yield Problem(f"{path}.components[{number}].id", message, "choose another id")
        seen.add(part.id)
        if not part.has_price:
            yield Problem(f"{path}.components[{number}]", "it sets no price", "give it a price, or remove it")


def _charge(draft: Draft, path: str, charge: Charge, meter: Meter | None) -> Iterator[Problem]:
    for key, price in charge.prices:
        yield from prices.problems(f"{path}.{key}", price, meter, draft.zone)
    for number, hours in enumerate(charge.during or ()):
        yield from prices.hours_problems(f"{path}.during[{number}]", hours)
    if charge.tiers:
        yield from _tiers(f"{path}.tiers", charge)
    for key in ("size", "price") if charge.package else ():
        if exact(getattr(charge.package, key)) < (0 if key == "price" else exact("0.000000000000000001")):
            yield Problem(f"{path}.package.{key}", "it is not positive", 'write a positive number, such as "1"')
    if charge.when is not None:
        try:
            Expression(charge.when)
        except ExpressionError as error:
            remedy = "write a CEL expression over `attributes` and `quantity`"
            yield Problem(f"{path}.when", str(error), remedy)
    if charge.rounding and exact(charge.rounding.to) <= 0:
        yield Problem(f"{path}.rounding.to", "it is not positive", 'write a step such as "0.01"')
    if charge.amount_from and exact(charge.amount_from.unit) <= 0:
        yield Problem(f"{path}.amount_from.unit", "it is not positive", 'write what one is worth, such as "0.01"')
    if charge.period_fee and exact(charge.period_fee.amount) < 0:
        yield Problem(f"{path}.period_fee.amount", "a fee is negative", "write an amount of 0 or more")
    for number, limit in enumerate(charge.limits):
        yield from _limit(f"{path}.limits[{number}]", limit, charge.limits[:number])


def _tiers(path: str, charge: Charge) -> Iterator[Problem]:
    assert charge.tiers
    below = exact("0")
    for number, tier in enumerate(charge.tiers.tiers):
        place = f"{path}.tiers[{number}].up_to"
        is_last = number == len(charge.tiers.tiers) - 1
        if tier.up_to is None and not is_last:
            yield Problem(place, "tiers behind one without a bound are never reached", "give it a bound")
        elif tier.up_to is not None and is_last:
            yield Problem(
                place, "nothing has a price beyond the last tier", "remove its bound, or add a tier without one"
            )
        elif tier.up_to is not None:
            if exact(tier.up_to) <= below:
                yield Problem(place, "bounds must be positive and increase", "order the tiers by `up_to`")
            below = max(below, exact(tier.up_to))


def _limit(path: str, limit: Limit, before: tuple[Limit, ...]) -> Iterator[Problem]:
    if limit.minimum is None and limit.maximum is None:
        yield Problem(path, "it limits nothing", "give `minimum`, `maximum` or both")
    if any(other.per is limit.per for other in before):
        yield Problem(f"{path}.per", f"there is another limit per {limit.per}", "put both into one")
    least, most = (exact(each) if each is not None else None for each in (limit.minimum, limit.maximum))
    for key, amount in (("minimum", least), ("maximum", most)):
        if amount is not None and amount < 0:
            yield Problem(f"{path}.{key}", "it is negative", "write an amount of 0 or more; refunds mirror it")
    if least is not None and most is not None and least > most:
        yield Problem(f"{path}.minimum", "the minimum exceeds the maximum", "lower it")


def _percent(draft: Draft, path: str, percent: PercentOf, tariff: Tariff) -> Iterator[Problem]:
    yield from draft.exchanges.unknown(f"{path}.exchange", percent.exchange)
    base, own = draft.exchanges.get(percent.exchange), draft.exchanges.get(tariff.on)
    if base is None or own is None:
        return
    if not draft.may_be_charged(base.id):
        message = f"no tariff charges {base.id!r}"
        yield Problem(f"{path}.exchange", message, "add a tariff `on` it, or name an exchange that has one")
    elif draft.meter_of(base) != draft.meter_of(own):
        message = f"{base.id!r} and {own.id!r} are not measured by the same meter"
        yield Problem(f"{path}.exchange", message, "give both exchanges the same `meter`")
    elif tariff.on in _reached(draft, base.id):
        message = f"{tariff.on!r} would be a percentage of itself"
        yield Problem(f"{path}.exchange", message, "break the circle of percentages")


def _timeless(path: str, tariff: Tariff) -> Iterator[Problem]:
    """A percentage is of whole charges, so nothing in its tariff may leave some hours out."""
    timed = [price for each in tariff.charges for _, price in each.prices if prices.is_timed(price)]
    if timed or any(each.during for each in tariff.charges):
        message = "a percentage of whole charges stands beside hours or prices by time"
        yield Problem(path, message, "charge the percentage on an exchange of its own")


def _reached(draft: Draft, start: str) -> set[str]:
    """The exchanges that the charge on `start` is a percentage of, at any remove, and itself."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            bases = (
                each.percent_of for _, other in draft.tariffs.entries if other.on == here for each in other.charges
            )
            waiting += [base.exchange for base in bases if base]
    return found


def _occurrences(path: str, tariff: Tariff) -> Iterator[Problem]:
    """What is evaluated for each occurrence can hold nothing that looks at a whole period."""
    for place, charge in _charges(path, tariff):
        if not (tariff.needs_occurrence or charge.needs_occurrence):
            continue
        wide = [
            key for key in ("tiers", "package") if (own := getattr(charge, key)) and own.per is not Scope.OCCURRENCE
        ]
        wide += [key for key in ("period_fee", "percent_of") if getattr(charge, key)]
        if (
            charge is not tariff
            and tariff.needs_occurrence
            and any(each.per is not Scope.OCCURRENCE for each in charge.limits)
        ):
            wide.append("limits")
        for key in wide:
            message = "it needs a whole period, but stands beside a rule for each occurrence"
            remedy = "give it `per: occurrence`, or put it into a component beside the one with that rule"
            yield Problem(f"{place}.{key}", message, remedy)


def _widening(draft: Draft, path: str, tariff: Tariff) -> Iterator[Problem]:
    """A limit looks at no less than what it limits: a payer's amount has no part that is one assignment's by itself."""
    for place, charge in _charges(path, tariff):
        number = next((at for at, limit in enumerate(charge.limits) if limit.per is Scope.PERIOD), None)
        held = (charge, *charge.parts)
        if number is not None and any(_looks_at_payer(draft, each, is_part=each is not charge) for each in held):
            message = "it limits each assignment, but what it limits is counted over all that the payer has"
            yield Problem(f"{place}.limits[{number}].per", message, "use `per: payer`, or count with `per: period`")


def _looks_at_payer(draft: Draft, charge: Charge, *, is_part: bool) -> bool:
    rules = [charge.tiers, charge.package, charge.period_fee, *(charge.limits if is_part else ())]
    if any(rule.per is Scope.PAYER for rule in rules if rule is not None):
        return True
    reached = _reached(draft, charge.percent_of.exchange) if charge.percent_of else set()
    bases = [each for _, other in draft.tariffs.entries if other.on in reached for each in other.charges]
    scopes = [rule.per for each in bases for rule in (each.tiers, each.package, each.period_fee, *each.limits) if rule]
    return Scope.PAYER in scopes


def _versions(draft: Draft) -> Iterator[Problem]:
    """Tariffs on one exchange are versions of one another: one at a time, in equal periods."""
    earlier: dict[str, list[Tariff]] = {}
    for path, tariff in draft.tariffs.entries:
        for other in earlier.setdefault(tariff.on, []):
            if validity.overlap(tariff, other, draft.zone):
                message = f"{tariff.on!r} is charged by {other.id!r} already"
                remedy = "keep one tariff, or set `valid_from` and `valid_until` so that one follows the other"
                yield Problem(f"{path}.on", message, remedy)
                break
            for key in ("period", "payer"):
                if getattr(tariff, key) != getattr(other, key):
                    message = f"{other.id!r}, another version, has another `{key}`"
                    yield Problem(f"{path}.{key}", message, f"give all versions the same `{key}`")
        earlier[tariff.on].append(tariff)
