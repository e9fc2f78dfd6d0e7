"""Quarter hours, the grain of rated time: as numbers, as instants in a design's zone, and the periods that they are in.

A quarter hour has the number of quarter hours between 1970 (UTC) and its beginning. Every offset from UTC in use is a
whole number of them, so local boundaries on quarter hours are boundaries in UTC too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from thalweg.design.periods import Period, first_day, midnight

QUARTER_SECONDS: Final = 900
QUARTER_MS: Final = QUARTER_SECONDS * 1000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER: Final = timedelta(seconds=QUARTER_SECONDS)


def quarter_of(moment: datetime) -> int:
    """The number of the quarter hour that holds the aware `moment`."""
    return (moment - _EPOCH) // _QUARTER


def beginning_of(quarter: int) -> datetime:
    """When a quarter hour begins, in UTC."""
    return _EPOCH + quarter * _QUARTER


def instant(text: str, zone: str) -> int:
    """The quarter hour that begins at `text`: a date, or a date and time, of `zone` unless it has an offset of its own.

    Raises ValueError with what is wrong: no such date, a time that the zone skips or repeats, no quarter hour.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = _in_zone(moment, ZoneInfo(zone))
    if (moment - _EPOCH) % _QUARTER:
        raise ValueError("it is not on a quarter hour")
    return quarter_of(moment)


@lru_cache(maxsize=1 << 16)
def local_time(quarter: int, zone: str) -> tuple[int, int]:
    """Weekday (0 is Monday) and minute of the day at which a quarter hour begins in `zone`."""
    local = beginning_of(quarter).astimezone(ZoneInfo(zone))
    return local.weekday(), local.hour * 60 + local.minute


@lru_cache(maxsize=1 << 16)
def period_start(quarter: int, period: Period, zone: str) -> int:
    """The first quarter hour of the period of `zone` that holds `quarter`."""
    local = beginning_of(quarter).astimezone(ZoneInfo(zone))
    if period is Period.HOUR:
        return quarter - local.minute // 15
    return quarter_of(midnight(first_day(period, local.date()), ZoneInfo(zone)))


def _in_zone(local: datetime, zone: ZoneInfo) -> datetime:
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early < late:
        raise ValueError("the zone has this time twice, since clocks go back; add an offset such as +02:00")
    if early > late:
        raise ValueError("the zone does not have this time, since clocks go forward")
    return early
