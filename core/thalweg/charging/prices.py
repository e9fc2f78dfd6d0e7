"""Prices that are ready to be looked up, in atoms, by the event's attributes and the quarter hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from thalweg.design.fields import exact
from thalweg.design.prices import ByAttribute, Day, Hours, Price, PriceSeries, Series, TimedPrice, TimeOfUse
from thalweg.design.quarters import instant, local_time

#: quarter hour → price; None: there is none
_Lookup = Callable[[int], Fraction | None]


class Pricing:
    """One price, scaled: atoms for a smallest step or for an occurrence."""

    __slots__ = ("_fixed", "_otherwise", "_prices", "attribute", "varies")

    def __init__(self, price: Price, scale: Fraction, zone: str) -> None:
        """`scale` times the amounts of `price` is what is looked up."""
        #: the attribute that it depends on, if it does
        self.attribute = price.by if isinstance(price, ByAttribute) else None
        by_value = price.prices if isinstance(price, ByAttribute) else {}
        otherwise = price.otherwise if isinstance(price, ByAttribute) else price
        #: whether it depends on time
        self.varies = any(isinstance(each, TimeOfUse | PriceSeries) for each in (*by_value.values(), otherwise))
        self._prices = {value: _lookup(each, scale, zone) for value, each in by_value.items()}
        self._otherwise = _lookup(otherwise, scale, zone) if otherwise is not None else _nothing
        self._fixed = self._otherwise(0) if not self.varies and self.attribute is None else None

    def at(self, attributes: Mapping[str, int | str], quarter: int) -> Fraction | None:
        """The price for an event with `attributes` in `quarter`; None where the tariff says nothing."""
        if self._fixed is not None:
            return self._fixed
        value = str(attributes.get(self.attribute, "")) if self.attribute is not None else ""
        return self._prices.get(value, self._otherwise)(quarter)

    def all_at(self, quarter: int) -> tuple[Fraction | None, ...]:
        """All prices of `quarter`, whatever the attributes: where they are the same, nothing tells times apart."""
        if not self.varies:
            return ()
        return (*(price(quarter) for price in self._prices.values()), self._otherwise(quarter))


class Times:
    """Parts of the week, in one zone."""

    __slots__ = ("_hours", "_zone")

    def __init__(self, hours: Iterable[Hours], zone: str) -> None:
        self._hours = [(_days(each), _minutes(each.start), _minutes(each.until)) for each in hours]
        self._zone = zone

    def first(self, quarter: int) -> int | None:
        """The place of the first that holds `quarter`; None if none does."""
        weekday, minute = local_time(quarter, self._zone)
        for place, (days, start, until) in enumerate(self._hours):
            if start < until:
                fits = weekday in days and start <= minute < until
            else:  # it reaches into the next day
                fits = (weekday in days and minute >= start) or ((weekday - 1) % 7 in days and minute < until)
            if fits:
                return place
        return None


def _days(hours: Hours) -> frozenset[int]:
    order = list(Day)
    return frozenset(order.index(day) for day in hours.days or order)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _lookup(price: TimedPrice, scale: Fraction, zone: str) -> _Lookup:
    if isinstance(price, TimeOfUse):
        return _time_of_use(price, scale, zone)
    if isinstance(price, PriceSeries):
        return _series(price.series, scale, zone)
    fixed = exact(price) * scale
    return lambda _: fixed


def _time_of_use(price: TimeOfUse, scale: Fraction, zone: str) -> _Lookup:
    times = Times(price.time_of_use, zone)
    prices = [exact(each.price) * scale for each in price.time_of_use]

    def look_up(quarter: int) -> Fraction | None:
        place = times.first(quarter)
        return None if place is None else prices[place]

    return look_up


def _series(series: Series, scale: Fraction, zone: str) -> _Lookup:
    start, quarters = instant(series.start, zone), series.minutes // 15
    prices = [exact(each) * scale if each is not None else None for each in series.prices]

    def look_up(quarter: int) -> Fraction | None:
        place = (quarter - start) // quarters
        return prices[place] if 0 <= place < len(prices) else None

    return look_up


def _nothing(_: int) -> None:
    return None
