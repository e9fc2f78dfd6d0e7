"""Prices that depend on when something happens, or on an attribute of the event. Amounts are in the design's currency.

Where a price says nothing about a time or a value, the quantity stays unrated; it never costs nothing by accident.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag

from thalweg.design.fields import DecimalText, Name, Part

CLOCK_PATTERN: Final = r"^(([01][0-9]|2[0-3]):(00|15|30|45)|24:00)$"
MOMENT_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:(00|15|30|45)(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
#: prices in a series: three years of quarter hours
_MOST_PRICES: Final = 110_000

Clock = Annotated[str, Field(pattern=CLOCK_PATTERN, description="a quarter hour of the day, 00:00 to 24:00")]
Moment = Annotated[
    str,
    Field(pattern=MOMENT_PATTERN, description="a date or a quarter hour, in the design's zone unless it has an offset"),
]


class Day(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Hours(Part):
    """A part of the week in the design's zone; without anything, all of it."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] | None = None
    """The days on which it begins; by default every day."""
    start: Clock = Field("00:00", alias="from")
    until: Clock = "24:00"
    """Half-open. Not later than `from`: it reaches into the next day."""


class PricedHours(Hours):
    """What is charged in a part of the week."""

    price: DecimalText


class TimeOfUse(Part):
    """A price by the time of the week: that of the first entry that fits."""

    time_of_use: Annotated[tuple[PricedHours, ...], Field(min_length=1)]


class Series(Part):
    """Prices of successive intervals, such as those of a day-ahead market."""

    start: Moment
    """When the first interval begins."""
    minutes: Literal[15, 30, 60] = 15
    """Length of an interval, in elapsed time: a day on which clocks change has 23 or 25 hours."""
    prices: Annotated[tuple[DecimalText | None, ...], Field(min_length=1, max_length=_MOST_PRICES)]
    """null: the price is not known, and what falls there stays unrated."""


class PriceSeries(Part):
    """A price by the calendar."""

    series: Series


def _timed_form(value: object) -> str:
    if isinstance(value, dict):
        return "series" if "series" in value else "time of use"
    return {"TimeOfUse": "time of use", "PriceSeries": "series"}.get(type(value).__name__, "fixed")


def _form(value: object) -> str:
    by_value = isinstance(value, ByAttribute) or (isinstance(value, dict) and "by" in value)
    return "by attribute" if by_value else "timed"


TimedPrice = Annotated[
    Annotated[DecimalText, Tag("fixed")]
    | Annotated[TimeOfUse, Tag("time of use")]
    | Annotated[PriceSeries, Tag("series")],
    Discriminator(_timed_form),
]


class ByAttribute(Part):
    """A price by the value of an event attribute, which the meter must group by."""

    by: Name
    prices: Annotated[dict[Name, TimedPrice], Field(min_length=1)]
    """Value of the attribute → price."""
    otherwise: TimedPrice | None = None
    """For all other values; without it, they stay unrated."""


Price = Annotated[
    Annotated[TimedPrice, Tag("timed")] | Annotated[ByAttribute, Tag("by attribute")], Discriminator(_form)
]
