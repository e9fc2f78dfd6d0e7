"""A tariff in words: what is charged for an exchange, for the people who pay it."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.prices import ByAttribute, Hours, Price, PriceSeries, TimeOfUse
from thalweg.design.tariffs import Charge, Package, Scope, Tariff, Tiers

_PER = {Scope.OCCURRENCE: "occurrence", Scope.PERIOD: "{period} of one assignment", Scope.PAYER: "payer's {period}"}


def tariff_in_words(tariff: Tariff, unit: str, currency: str) -> list[str]:
    """A sentence for each thing that the tariff charges; `unit` is the exchange's."""
    words = _Words(unit, currency, tariff.period.value)
    sentences = list(words.charge(tariff))
    for part in tariff.components:
        sentences += [f"{part.id}: {sentence}" for sentence in words.charge(part)]
    if tariff.valid_from or tariff.valid_until:
        until = f" until {tariff.valid_until}" if tariff.valid_until else " on"
        sentences.append(f"in force from {tariff.valid_from or 'the beginning'}{until}")
    return sentences


class _Words:
    """The words for one tariff."""

    def __init__(self, unit: str, currency: str, period: str) -> None:
        self._unit = unit
        self._currency = currency
        self._period = period

    def charge(self, charge: Charge) -> Iterator[str]:
        condition = "" if charge.when is None else f", where {charge.when}"
        condition += "" if charge.during is None else f", {'; '.join(map(_hours, charge.during))} only"
        yield from (f"{sentence}{condition}" for sentence in self._prices(charge))
        if charge.rounding is not None:
            mode = charge.rounding.mode.replace("_", " ")
            yield f"each occurrence rounded {mode} to {charge.rounding.to} {self._currency}"
        for limit in charge.limits:
            bounds = (("at least", limit.minimum), ("at most", limit.maximum))
            said = " and ".join(f"{words} {amount} {self._currency}" for words, amount in bounds if amount is not None)
            yield f"{said} per {self._per(limit.per)}"

    def _prices(self, charge: Charge) -> Iterator[str]:
        if charge.unit_price is not None:
            yield self._price(charge.unit_price, self._unit)
        if charge.flat is not None:
            yield self._price(charge.flat, "occurrence")
        if charge.tiers is not None:
            yield self._tiers(charge.tiers)
        if charge.package is not None:
            yield self._package(charge.package)
        if charge.period_fee is not None:
            fee = charge.period_fee
            yield f"a fee of {fee.amount} {self._currency} per {self._per(fee.per)} in which something occurred"
        if charge.percent_of is not None:
            yield f"{charge.percent_of.percent} % of what {charge.percent_of.exchange} charges"
        if charge.amount_from is not None:
            amount = charge.amount_from
            yield f"the amount that each event says as {amount.attribute!r}, in units of {amount.unit} {self._currency}"

    def _price(self, price: Price, per: str) -> str:
        if isinstance(price, str):
            return f"{price} {self._currency} per {per}"
        if isinstance(price, TimeOfUse):
            parts = ", ".join(f"{each.price} {_hours(each)}" for each in price.time_of_use)
            return f"by the time of the week, in {self._currency} per {per}: {parts}"
        if isinstance(price, PriceSeries):
            series = price.series
            every = f"{len(series.prices)} prices of {series.minutes} minutes each"
            return f"by the calendar, in {self._currency} per {per}: {every}, from {series.start} on"
        assert isinstance(price, ByAttribute)
        cases = [f"for {value}: {self._price(each, per)}" for value, each in price.prices.items()]
        if price.otherwise is not None:
            cases.append(f"otherwise {self._price(price.otherwise, per)}")
        return f"by {price.by!r}, {'; '.join(cases)}"

    def _tiers(self, tiers: Tiers) -> str:
        how = "each price for its own part" if tiers.mode == "graduated" else "the last price reached for all"
        parts = ", ".join(
            f"{tier.unit_price} up to {tier.up_to}" if tier.up_to is not None else f"then {tier.unit_price}"
            for tier in tiers.tiers
        )
        return f"in tiers, in {self._currency} per {self._unit}: {parts}; per {self._per(tiers.per)}, {how}"

    def _package(self, package: Package) -> str:
        size = f"{package.size} {self._unit} begun"
        return f"{package.price} {self._currency} for each {size}, per {self._per(package.per)}"

    def _per(self, scope: Scope) -> str:
        return _PER[scope].format(period=self._period)


def _hours(hours: Hours) -> str:
    days = f"{', '.join(day.value for day in hours.days)} " if hours.days is not None else ""
    return f"{days}{hours.start}-{hours.until}"
