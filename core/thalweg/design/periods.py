"""Calendar periods in a design's time zone, and how many of them a window of time holds, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

_MICROSECOND = timedelta(microseconds=1)


class Period(StrEnum):
    """A period of the calendar. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def periods_in(period: Period, start: datetime, end: datetime, zone: str) -> Fraction:
    """How many periods [start, end) holds; a part of one counts by its part of that period's real length.

    `start` and `end` are aware. Additive: a window holds what its parts hold, over changes of daylight-saving time too.
    """
    if period is Period.HOUR:
        return Fraction((end - start) // _MICROSECOND, timedelta(hours=1) // _MICROSECOND)
    held = Fraction(0)
    for begin, finish in _periods(period, start, end, ZoneInfo(zone)):
        inside = min(end, finish) - max(start, begin)
        held += Fraction(max(inside, timedelta()) // _MICROSECOND, (finish - begin) // _MICROSECOND)
    return held


def _periods(period: Period, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The periods that touch [start, end), as half-open intervals in UTC."""
    day = first_day(period, start.astimezone(zone).date())
    while (begin := midnight(day, zone)) < end:
        day = _next(period, day)
        yield begin, midnight(day, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def first_day(period: Period, day: date) -> date:
    """The first day of the period that holds `day`."""
    match period:
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def days_of(period: Period, day: date) -> list[date]:
    """The days of the period that holds `day`; an hour is within one."""
    first = first_day(period, day)
    return [first + timedelta(days=number) for number in range((_next(period, first) - first).days)]


def _next(period: Period, first: date) -> date:
    match period:
        case Period.WEEK:
            return first + timedelta(weeks=1)
        case Period.MONTH:
            return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        case Period.YEAR:
            return first.replace(year=first.year + 1)
        case _:
            return first + timedelta(days=1)
