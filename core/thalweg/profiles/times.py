"""Times as sources write them, to Unix time in milliseconds. Nothing is guessed: a local time needs its zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from thalweg.errors import UnreadableRecord
from thalweg.profiles.document import Time
from thalweg.profiles.values import number

ISO: Final = "iso8601"
#: formats that are numbers → milliseconds in one
_UNIX_MS: Final = {"unix": 1000, "unix_ms": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LATEST_MS: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def time_reader(time: Time, what: str) -> Callable[[object], int]:
    """What reads times that are written as `time` says: → Unix time in ms, rounded down.

    It raises UnreadableRecord. Raises ValueError for a zone that is not known.
    """
    zone = _zone(time.zone)

    def read(value: object) -> int:
        if time.format in _UNIX_MS:
            exact = number(value, what) * _UNIX_MS[time.format]
            milliseconds = exact.numerator // exact.denominator
        else:
            milliseconds = (_moment(value, time, zone, what) - _EPOCH) // _MILLISECOND
        if not 0 <= milliseconds <= _LATEST_MS:
            raise UnreadableRecord("bad_time", f"{what} is {value!r:.80}, before 1970 or beyond the year 9999")
        return milliseconds

    return read


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone {name!r}; use a name such as UTC or Europe/Helsinki") from None


def _moment(value: object, time: Time, zone: ZoneInfo | None, what: str) -> datetime:
    words = value.strip() if isinstance(value, str) else str(value)
    read_moment = datetime.fromisoformat if time.format == ISO else partial(_by_pattern, time.format)
    try:
        moment = read_moment(words)
    except ValueError:
        raise UnreadableRecord("bad_time", f"{what} is {words!r:.80}, no time written as {time.format}") from None
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise UnreadableRecord("bad_time", f"{what} is {words!r:.80}: it has no offset, and no zone is given")
    return _in_zone(moment, zone, time.ambiguous, what)


def _by_pattern(pattern: str, words: str) -> datetime:
    return datetime.strptime(words, pattern)  # noqa: DTZ007 - its zone follows


def _in_zone(local: datetime, zone: ZoneInfo, ambiguous: str, what: str) -> datetime:
    earlier, later = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier == later:
        return earlier
    if earlier.astimezone(zone).replace(tzinfo=None, fold=0) != local:
        raise UnreadableRecord("bad_time", f"{what} is {local}, which clocks in {zone.key} skip")
    if ambiguous == "reject":
        raise UnreadableRecord("bad_time", f"{what} is {local}, which occurs twice in {zone.key}")
    return earlier if ambiguous == "earlier" else later
