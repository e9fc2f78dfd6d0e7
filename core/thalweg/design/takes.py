"""Takes: how much one step of an agreement takes. Every number is an exact decimal; percentages are of 100."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag

from thalweg.design.fields import DecimalText, Id, Name, Part, exact


class Span(StrEnum):
    """Over what something accumulates."""

    PERIOD = "period"
    LIFETIME = "lifetime"


class Of(StrEnum):
    """What tiers and thresholds count."""

    GROSS = "gross"
    UNITS = "units"


class Mode(StrEnum):
    """How tiers apply: each slice at its own rate, or all at the rate of the tier that the whole has reached."""

    GRADUATED = "graduated"
    VOLUME = "volume"


class PercentOfGross(Part):
    """Takes a percentage of the agreement's base."""

    percent_of_gross: DecimalText


class PercentOfRemainder(Part):
    """Takes a percentage of what the steps before have left."""

    percent_of_remainder: DecimalText


class UnitRate(Part):
    """An amount for each unit that a meter counted."""

    meter: Id
    amount: DecimalText
    """In the design's currency, per unit."""
    unit: Name | None = None
    """What `amount` is per, such as kWh; by default the meter's own unit."""


class PerUnit(Part):
    """Takes an amount for each unit that a meter counted."""

    per_unit: UnitRate


class FlatAmount(Part):
    """A fixed amount, once in a period or once in the agreement's lifetime."""

    amount: DecimalText
    per: Span = Span.PERIOD


class Flat(Part):
    """Takes a fixed amount, as far as there is money for it."""

    flat: FlatAmount


class Tiers(Part):
    """Rates by tier, lowest first: percentages of gross, or amounts per unit."""

    on: Of
    meter: Id | None = None
    """What counts the units; only with `on: units`."""
    unit: Name | None = None
    """What bounds and amounts are per; by default the meter's own unit."""
    mode: Mode = Mode.GRADUATED
    per: Span = Span.PERIOD
    tiers: Annotated[tuple[tuple[DecimalText | None, DecimalText], ...], Field(min_length=1)]
    """Pairs of upper bound (belonging to the tier; null for the last tier) and rate."""

    @property
    def bounds(self) -> tuple[tuple[Fraction | None, Fraction], ...]:
        """(upper bound, rate) of each tier, exact."""
        return tuple((None if upper is None else exact(upper), exact(rate)) for upper, rate in self.tiers)


class Tiered(Part):
    """Takes what the tiers give for the gross or the units that have accumulated."""

    tiered: Tiers


class Recoupment(Part):
    """What is paid back out of a part of the remainder, until it is paid back."""

    account: Id
    total: DecimalText
    percent_of_remainder: DecimalText = "100"


class Recoup(Part):
    """Takes a part of the remainder until the account is recouped, and nothing from then on."""

    recoup: Recoupment


_KINDS: Final[dict[str, type[Part]]] = {
    "percent_of_gross": PercentOfGross,
    "percent_of_remainder": PercentOfRemainder,
    "per_unit": PerUnit,
    "flat": Flat,
    "tiered": Tiered,
    "recoup": Recoup,
}


def _kind(value: object) -> str:
    """The tag of the branch; tags differ from all keys, so that they are no place in the document."""
    if isinstance(value, str):
        return "word"
    if isinstance(value, Part):
        return next((f"take {name}" for name, kind in _KINDS.items() if isinstance(value, kind)), "word")
    known: Any = value if isinstance(value, dict) else {}
    return next((f"take {name}" for name in _KINDS if name in known), "take percent_of_gross")


Take = Annotated[
    Annotated[Literal["remainder"], Tag("word")]
    | Annotated[PercentOfGross, Tag("take percent_of_gross")]
    | Annotated[PercentOfRemainder, Tag("take percent_of_remainder")]
    | Annotated[PerUnit, Tag("take per_unit")]
    | Annotated[Flat, Tag("take flat")]
    | Annotated[Tiered, Tag("take tiered")]
    | Annotated[Recoup, Tag("take recoup")],
    Discriminator(_kind),
]
