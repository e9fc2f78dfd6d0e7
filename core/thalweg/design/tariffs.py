"""Tariffs: how a metered quantity becomes a charge. Amounts are in the design's currency.

A tariff is one charge, or a sum of components, each a charge by itself. What needs one occurrence (an event) compiles
to a charge meter; everything else is computed from a payer's cumulative quantities in the period.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from thalweg.design.fields import DecimalText, Id, Name, Part, Text
from thalweg.design.meters import Expression
from thalweg.design.periods import Period
from thalweg.design.prices import Hours, Moment, Price


class Scope(StrEnum):
    """What tiers, packages and limits look at together."""

    OCCURRENCE = "occurrence"  #: each event by itself
    PERIOD = "period"  #: what one payer has in a period on one assignment: one scooter's day, one meter's month
    PAYER = "payer"  #: all that a payer has in a period on this exchange


class Tier(Part):
    """A price up to a bound."""

    up_to: DecimalText | None = None
    """In the exchange's unit, inclusive; none for the last tier."""
    unit_price: DecimalText


class Tiers(Part):
    """Prices that depend on how much there is."""

    mode: Literal["graduated", "volume"]
    """`graduated`: each tier's price for the part within it; `volume`: the price of the last tier reached for all."""
    per: Scope = Scope.PAYER
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]


class Package(Part):
    """A price for every package begun, such as a quarter of an hour."""

    size: DecimalText
    """In the exchange's unit."""
    price: DecimalText
    per: Scope = Scope.PAYER


class PeriodFee(Part):
    """A fee for each period in which something occurred."""

    amount: DecimalText
    per: Literal[Scope.PERIOD, Scope.PAYER] = Scope.PERIOD


class PercentOf(Part):
    """A percentage of what another exchange charges for the same events."""

    exchange: Id
    percent: DecimalText


class AmountFrom(Part):
    """The amount that an attribute of each event says, such as a price really paid."""

    attribute: Name
    """An integer, or text that is a plain decimal number. An event without it cannot be measured."""
    unit: DecimalText = "1"
    """What one of it is worth in the currency: "0.01" for cents."""


class Rounding(Part):
    """How each occurrence's amount is rounded."""

    to: DecimalText
    """The step: "0.01" for cents, "0.05" for five of them."""
    mode: Literal["half_up", "half_even", "up", "down"] = "half_up"
    """By magnitude: `half_up` and `up` go away from zero, so a refund rounds like the charge that it takes back."""


class Limit(Part):
    """The least and the most that is charged."""

    per: Scope
    minimum: DecimalText | None = None
    maximum: DecimalText | None = None


class Charge(Part):
    """The sum of all prices that are given; then rounding and limits, from one occurrence up to the payer's period."""

    unit_price: Price | None = None
    """Per declared unit of the exchange."""
    flat: Price | None = None
    """Per occurrence."""
    tiers: Tiers | None = None
    package: Package | None = None
    period_fee: PeriodFee | None = None
    percent_of: PercentOf | None = None
    amount_from: AmountFrom | None = None
    when: Expression | None = None
    """Condition over `attributes` and `quantity`: only occurrences for which it is true are charged."""
    during: Annotated[tuple[Hours, ...], Field(min_length=1)] | None = None
    """Only what is measured in these hours is charged and counted: with tiers, those of one price band."""
    rounding: Rounding | None = None
    limits: tuple[Limit, ...] = ()

    @property
    def parts(self) -> tuple[Component, ...]:
        """The components that it is a sum of, besides its own prices."""
        return ()

    @property
    def prices(self) -> tuple[tuple[str, Price], ...]:
        """Those of its own prices that may vary, by key."""
        given = (("unit_price", self.unit_price), ("flat", self.flat))
        return tuple((key, price) for key, price in given if price is not None)

    @property
    def has_price(self) -> bool:
        """True if it charges anything by itself."""
        own = (self.tiers, self.package, self.period_fee, self.percent_of, self.amount_from)
        return bool(self.prices) or any(each is not None for each in own)

    @property
    def needs_occurrence(self) -> bool:
        """True if only single events say what it comes to: then it compiles to a charge meter, with all its parts."""
        scopes = [each.per for each in (self.tiers, self.package, *self.limits) if each is not None]
        single = (self.amount_from, self.when, self.rounding)
        return Scope.OCCURRENCE in scopes or any(each is not None for each in single)

    def limit(self, scope: Scope) -> Limit | None:
        """The limit of that scope."""
        return next((each for each in self.limits if each.per is scope), None)


class Component(Charge):
    """One part of a tariff, such as a connection fee."""

    id: Id
    name: Name | None = None


class Tariff(Charge):
    """What a money exchange costs, from `valid_from` until `valid_until`.

    Several tariffs on one exchange are its versions and do not overlap. Where none is in force, quantities are unrated.
    """

    id: Id
    on: Id
    """The money exchange that it charges."""
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    """Half-open."""
    period: Period = Period.MONTH
    """After which tiers, packages, fees and limits begin anew; the same in all versions."""
    payer: Name | None = None
    """The attribute that tells payers apart where one participant stands for many, such as a card's token."""
    components: tuple[Component, ...] = ()
    """Added to the tariff's own prices, before its rounding and limits."""
    description: Text | None = None

    @property
    def parts(self) -> tuple[Component, ...]:
        """Its components."""
        return self.components

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Itself, then its components."""
        return (self, *self.components)


def metered_charges(tariff: Tariff) -> Iterator[tuple[str, Charge]]:
    """The charges of `tariff` that are charge meters, with their names: the whole of it, or single components."""
    if tariff.needs_occurrence:
        yield tariff.id, tariff
    else:
        yield from ((f"{tariff.id}.{part.id}", part) for part in tariff.components if part.needs_occurrence)
