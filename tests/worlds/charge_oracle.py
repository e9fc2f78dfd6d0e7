"""What one event costs by the written terms of a charge: plain arithmetic on the document, apart from the engine.

Conditions are CEL and evaluated by the library that the engine uses too; everything else is done anew here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.expressions import Expression, context_of
from thalweg.errors import ExpressionError
from thalweg.wire.batch import Event

ATOMS = {"EUR": 10**8, "USD": 10**8, "JPY": 10**6}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Terms = dict[str, Any]


class UnsaidError(Exception):
    """The event does not say what the terms take from it."""


def cost_of(meter: ChargeMeter, event: Event, quantity: int, at: datetime) -> int | None:
    """Atoms of an event of which the meter measured `quantity`; None where nothing is charged, or no price is known."""
    moment = EPOCH + (at - EPOCH) // timedelta(minutes=15) * timedelta(minutes=15)
    zone = ZoneInfo(meter.zone)
    if meter.valid_from and moment < _instant(meter.valid_from, zone):
        return None
    if meter.valid_until and moment >= _instant(meter.valid_until, zone):
        return None
    terms = meter.charge.model_dump(mode="json", by_alias=True, exclude_none=True)
    units = quantity * Fraction(meter.ratio) / meter.unit_steps
    amount = _Occurrence(event, units, moment, zone).amount(terms)
    return None if amount is None else round(amount * ATOMS[meter.currency])


class _Occurrence:
    """One event, in declared units of the exchange and in the currency's major unit."""

    def __init__(self, event: Event, units: Fraction, moment: datetime, zone: ZoneInfo) -> None:
        self.event, self.units, self.moment, self.zone = event, units, moment, zone

    def amount(self, terms: Terms) -> Fraction | None:
        """None where it is not charged, or where one of the prices that concern it is not known."""
        if not self._is_known(terms):
            return None
        return self._charged(terms)

    def _charged(self, terms: Terms) -> Fraction | None:
        if "during" in terms and not any(self._is_within(hours) for hours in terms["during"]):
            return None
        if "when" in terms and not self._holds(terms["when"]):
            return None
        total = Fraction(0)
        if "unit_price" in terms:
            total += self._price(terms["unit_price"]) * self.units
        if "flat" in terms:
            total += self._price(terms["flat"])
        if "tiers" in terms:
            total += _odd(self.units, lambda size: _tiered(terms["tiers"], size))
        if "package" in terms:
            begun = -(-abs(self.units) // Fraction(terms["package"]["size"]))
            total += _odd(self.units, lambda _: begun * Fraction(terms["package"]["price"]))
        if "amount_from" in terms:
            total += self._said(terms["amount_from"]["attribute"]) * Fraction(terms["amount_from"].get("unit", "1"))
        for part in terms.get("components", ()):
            total += self._charged(part) or 0
        if "rounding" in terms:
            total = _odd(total, lambda size: _rounded(terms["rounding"], size))
        for limit in terms.get("limits", ()):
            if limit["per"] == "occurrence":
                total = _odd(total, lambda size, limit=limit: _limited(limit, size))
        return total

    def _holds(self, condition: str) -> object:
        try:
            return Expression(condition).evaluate(context_of(self.event.attributes, self.event.quantity))
        except ExpressionError:
            raise UnsaidError(condition) from None

    def _is_known(self, terms: Terms) -> bool:
        if "during" in terms and not any(self._is_within(hours) for hours in terms["during"]):
            return True
        own = [self._price(terms[key]) for key in ("unit_price", "flat") if key in terms]
        return None not in own and all(self._is_known(part) for part in terms.get("components", ()))

    def _price(self, price: Any) -> Any:
        if isinstance(price, dict) and "by" in price:
            value = str(self.event.attributes.get(price["by"], ""))
            price = price["prices"].get(value, price.get("otherwise"))
        if isinstance(price, dict) and "time_of_use" in price:
            price = next((each["price"] for each in price["time_of_use"] if self._is_within(each)), None)
        elif isinstance(price, dict):
            series = price["series"]
            passed = self.moment - _instant(series["start"], self.zone)
            place = passed // timedelta(minutes=series.get("minutes", 15))
            price = series["prices"][place] if 0 <= place < len(series["prices"]) else None
        return None if price is None else Fraction(price)

    def _is_within(self, hours: Terms) -> bool:
        local = self.moment.astimezone(self.zone)
        clock, start, until = local.strftime("%H:%M"), hours.get("from", "00:00"), hours.get("until", "24:00")
        days = hours.get("days", DAYS)
        today, yesterday = DAYS[local.weekday()] in days, DAYS[local.weekday() - 1] in days
        if start < until:
            return today and start <= clock < until
        return (today and clock >= start) or (yesterday and clock < until)

    def _said(self, name: str) -> Fraction:
        said = str(self.event.attributes.get(name, ""))
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", said):
            raise UnsaidError(name)
        return Fraction(said)


def _instant(written: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _odd(number: Fraction, function: Any) -> Fraction:
    """What is taken back costs what it cost."""
    return function(number) if number >= 0 else -function(-number)


def _tiered(rule: Terms, size: Fraction) -> Fraction:
    tiers = [(Fraction(tier.get("up_to", size)), Fraction(tier["unit_price"])) for tier in rule["tiers"]]
    if rule["mode"] == "volume":
        return size * next(price for bound, price in tiers if size <= bound)
    bounds = [Fraction(0), *(min(bound, size) for bound, _ in tiers)]
    return sum(
        ((top - below) * price for below, top, (_, price) in zip(bounds, bounds[1:], tiers, strict=False)), Fraction(0)
    )


def _rounded(rule: Terms, size: Fraction) -> Fraction:
    step = Fraction(rule["to"])
    below, rest = divmod(size, step)
    half = step / 2
    is_up = {
        "up": rest > 0,
        "down": False,
        "half_up": rest >= half,
        "half_even": rest > half or (rest == half and below % 2 == 1),
    }[rule.get("mode", "half_up")]
    return (below + is_up) * step


def _limited(limit: Terms, size: Fraction) -> Fraction:
    if "minimum" in limit:
        size = max(size, Fraction(limit["minimum"]))
    return min(size, Fraction(limit["maximum"])) if "maximum" in limit else size
