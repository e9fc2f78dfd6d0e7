"""Agreements: how the charges of a money exchange are shared, step by step, and what a period's close adds to that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from thalweg.design.fields import DecimalText, Id, Name, Part, Text, exact
from thalweg.design.periods import Period
from thalweg.design.prices import Moment
from thalweg.design.takes import Flat, Of, PercentOfGross, PercentOfRemainder, PerUnit, Recoup, Span, Take, Tiered

#: a number of days, as ISO 8601 writes it
DAYS_PATTERN: Final = r"^P[1-9][0-9]{0,3}D$"


class NetOf(Part):
    """The charge less the charges of other money exchanges that its payee pays for the same events."""

    net_of: Annotated[tuple[Id, ...], Field(min_length=1)]


class Split(Part):
    """Several recipients, in proportion to their weights."""

    split: Annotated[dict[Id, DecimalText], Field(min_length=1)]


class Pool(Part):
    """Another agreement, which shares what it gets like a charge."""

    pool: Id


class Cap(Part):
    """The most that a step takes."""

    amount: DecimalText
    per: Span = Span.PERIOD


class When(Part):
    """When a step applies; all that is given must hold."""

    attribute: Name | None = None
    """An attribute of the events. Each of its values has sums of its own."""
    is_in: Annotated[tuple[str, ...] | None, Field(alias="in", min_length=1)] = None
    """The values of the attribute for which the step applies."""
    from_date: Annotated[date | None, Field(alias="from")] = None
    """The first day, in the design's zone."""
    until: date | None = None
    """The day after the last."""
    above: DecimalText | None = None
    """Only for what has accumulated beyond this."""
    up_to: DecimalText | None = None
    """Only for what has accumulated up to this."""
    of: Of = Of.GROSS
    """What accumulates for `above` and `up_to`."""
    meter: Id | None = None
    """What counts the units; only with `of: units`."""
    per: Span = Span.PERIOD
    """Over what it accumulates."""

    @property
    def has_threshold(self) -> bool:
        """True if it depends on what has accumulated."""
        return self.above is not None or self.up_to is not None

    def holds(self, day: date | None, attributes: Mapping[str, str]) -> bool:
        """True if `day` and `attributes` fulfil it; a day or attribute that is not given fulfils no condition on it."""
        if (self.from_date is not None or self.until is not None) and day is None:
            return False
        if self.attribute is not None and attributes.get(self.attribute) not in (self.is_in or ()):
            return False
        starts = self.from_date is None or (day is not None and day >= self.from_date)
        return starts and (self.until is None or (day is not None and day < self.until))


def _form(value: object) -> str:
    if isinstance(value, str):
        return "word"
    return "a pool" if isinstance(value, Pool) or (isinstance(value, dict) and "pool" in value) else "table"


Base = Annotated[Annotated[Literal["gross"], Tag("word")] | Annotated[NetOf, Tag("table")], Discriminator(_form)]
Recipient = Annotated[
    Annotated[Id, Tag("word")] | Annotated[Split, Tag("table")] | Annotated[Pool, Tag("a pool")], Discriminator(_form)
]


class Step(Part):
    """One step of an agreement: how much is taken, and who gets it."""

    id: Id
    take: Take
    to: Recipient
    cap: Cap | None = None
    when: When | None = None
    floor_of_remainder: DecimalText | None = None
    """The step leaves at least this much to those behind it, in each period."""
    priority: StrictInt | None = None
    """Neighbours of equal priority take side by side: where money is short, all of them get the same part."""
    note: Text | None = None

    @property
    def is_remainder(self) -> bool:
        """True for the step that takes all that the others left."""
        return self.take == "remainder"

    @property
    def is_fixed_part(self) -> bool:
        """True if it takes a fixed part of each amount, whenever that comes and whatever was before."""
        is_part = self.is_remainder or isinstance(self.take, PercentOfGross | PercentOfRemainder)
        return is_part and self.cap is None and self.when is None and self.floor_of_remainder is None

    @property
    def is_lifelong(self) -> bool:
        """True if what it takes depends on all that has been since the agreement began."""
        spans = [self.cap.per if self.cap else None, self.when.per if self.when and self.when.has_threshold else None]
        match self.take:
            case Recoup():
                return True
            case Flat(flat=flat):
                spans.append(flat.per)
            case Tiered(tiered=tiers):
                spans.append(tiers.per)
            case _:
                pass
        return Span.LIFETIME in spans

    @property
    def percent(self) -> Fraction:
        """Percent of the base that this step takes; 0 for other kinds of takes."""
        return exact(self.take.percent_of_gross) if isinstance(self.take, PercentOfGross) else Fraction(0)

    @property
    def pool(self) -> str | None:
        """The agreement whose pool the step feeds, if it does."""
        return self.to.pool if isinstance(self.to, Pool) else None

    @property
    def weights(self) -> Mapping[str, Fraction]:
        """Role → weight of its part of what the step takes; empty for a pool."""
        if isinstance(self.to, Split):
            return {role: exact(weight) for role, weight in self.to.split.items()}
        return {} if isinstance(self.to, Pool) else {self.to: Fraction(1)}


class Guarantee(Part):
    """A minimum that a party has of each period; what is missing, others give at its close."""

    party: Id
    minimum: DecimalText
    per: Period | None = None
    """By default the agreement's period, and never another."""
    funded_by: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Who gives, in proportion to what they have of the period."""
    recourse: StrictBool = False
    """True if they give it even where it is more than they have of the period."""
    prorate: Literal["none", "days"] = "none"
    """`days`: only the part of the minimum that goes with the days on which the agreement was in force."""


class Reserve(Part):
    """A part of what is due to a party that is held back for some days after the period's end."""

    party: Id
    percent: DecimalText
    release_after: Annotated[str, Field(pattern=DAYS_PATTERN, description="such as P90D")]

    @property
    def days(self) -> int:
        """Days from the end of the period until it is paid."""
        return int(self.release_after[1:-1])


class Agreement(Part):
    """How the charges of one money exchange, or what other agreements put into its pool, are shared.

    The exchange's payee pays each recipient. Several agreements on one exchange are its versions, one at a time: each
    opens with the sums and accounts that the one before closed with.
    """

    id: Id
    name: Name | None = None
    on: Id | None = None
    """The money exchange whose charges feed it; none for an agreement that only other agreements feed."""
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    """Half-open."""
    base: Base = "gross"
    period: Period = Period.MONTH
    """After which its sums, caps and tiers begin anew, by the design zone's calendar; the same in all versions."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    """In their order; the last one takes the remainder."""
    guarantees: tuple[Guarantee, ...] = ()
    """Filled up in their order, each seeing what those before it moved."""
    reserves: tuple[Reserve, ...] = ()

    @property
    def is_dated(self) -> bool:
        """True if it is not in force at all times."""
        return self.valid_from is not None or self.valid_until is not None

    @property
    def line_of_versions(self) -> str:
        """What its versions have in common: the exchange that they are on, or a pool's own id."""
        return self.id if self.on is None else f"on {self.on}"

    @property
    def deductions(self) -> tuple[str, ...]:
        """The exchanges whose charges are taken off before sharing."""
        return self.base.net_of if isinstance(self.base, NetOf) else ()

    @property
    def pools(self) -> tuple[str, ...]:
        """The agreements that it feeds."""
        return tuple(step.pool for step in self.steps if step.pool is not None)

    @property
    def gives_fixed_parts(self) -> bool:
        """True if every amount is shared in the same parts: then each can be shared by itself."""
        return all(step.is_fixed_part for step in self.steps)

    @property
    def roles(self) -> frozenset[str]:
        """The roles that it names as recipients, without those of the pools that it feeds."""
        return frozenset(role for step in self.steps for role in step.weights)


def recipients_of(agreement: Agreement, agreements: Iterable[Agreement]) -> frozenset[str]:
    """All roles that money of `agreement` may reach, through the pools too; a circle of pools ends the search."""
    return frozenset(role for each in reached_by(agreement, agreements) for role in each.roles)


def reached_by(agreement: Agreement, agreements: Iterable[Agreement]) -> tuple[Agreement, ...]:
    """The agreement itself, then all that its pools lead to; a circle of pools ends the search."""
    known = {other.id: other for other in agreements}
    found, waiting = {agreement.id: agreement}, list(agreement.pools)
    while waiting:
        pool = waiting.pop(0)
        if pool in known and pool not in found:
            found[pool] = known[pool]
            waiting += known[pool].pools
    return tuple(found.values())


def counted_by(step: Step) -> list[tuple[str, str | None]]:
    """The meters whose units a step counts, each with the unit that its numbers are per, if that is written."""
    found: list[tuple[str | None, str | None]] = []
    match step.take:
        case PerUnit(per_unit=rate):
            found.append((rate.meter, rate.unit))
        case Tiered(tiered=tiers):
            found.append((tiers.meter, tiers.unit))
        case _:
            pass
    if step.when is not None:
        found.append((step.when.meter, None))
    return [(meter, symbol) for meter, symbol in found if meter is not None]
