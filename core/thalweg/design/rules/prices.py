"""Rules on prices: hours, series and attributes that say something, at moments that exist."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from thalweg.design.meters import Meter
from thalweg.design.prices import ByAttribute, Hours, Price, PriceSeries, TimeOfUse
from thalweg.design.quarters import instant
from thalweg.errors import Problem


def problems(path: str, price: Price, meter: Meter | None, zone: str | None) -> Iterator[Problem]:
    """Breaches of one price of a charge on what `meter` measures."""
    if isinstance(price, ByAttribute):
        yield from grouped(f"{path}.by", price.by, meter)
        for value, each in price.prices.items():
            yield from problems(f"{path}.prices.{value}", each, meter, zone)
        if price.otherwise is not None:
            yield from problems(f"{path}.otherwise", price.otherwise, meter, zone)
    elif isinstance(price, TimeOfUse):
        yield from _time_of_use(f"{path}.time_of_use", price)
    elif isinstance(price, PriceSeries) and (problem := moment_problem(price.series.start, zone)):
        yield Problem(f"{path}.series.start", problem, "write a quarter hour that exists, such as 2026-01-01T00:15")


def hours_problems(path: str, hours: Hours) -> Iterator[Problem]:
    """Breaches of a part of the week."""
    if hours.start == "24:00":
        yield Problem(f"{path}.from", "no day begins at 24:00", "write 00:00")
    if hours.start == hours.until:
        yield Problem(f"{path}.until", "it holds no time", "write another end; 24:00 is the end of the day")
    if hours.days and len(set(hours.days)) < len(hours.days):
        yield Problem(f"{path}.days", "it names a day twice", "name each day once")


def is_timed(price: Price) -> bool:
    """Whether it depends on time."""
    among = (*price.prices.values(), price.otherwise) if isinstance(price, ByAttribute) else (price,)
    return any(isinstance(each, TimeOfUse | PriceSeries) for each in among)


def grouped(path: str, attribute: str, meter: Meter | None) -> Iterator[Problem]:
    """A problem unless `meter` keeps the values of `attribute` apart."""
    if meter is not None and attribute not in meter.group_by:
        message = f"the charge depends on {attribute!r}, but meter {meter.id!r} mixes its values"
        yield Problem(path, message, f"add {attribute} to the meter's `group_by`")


def moment_problem(moment: str, zone: str | None) -> str | None:
    """What is wrong with `moment`; None while the zone is not known, which is a problem of its own."""
    if not is_zone(zone):
        return None
    try:
        instant(moment, zone or "")
    except (ValueError, OverflowError) as error:
        return str(error)
    return None


def is_zone(zone: str | None) -> bool:
    """Whether there is such a time zone."""
    try:
        return zone is not None and ZoneInfo(zone) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _time_of_use(path: str, price: TimeOfUse) -> Iterator[Problem]:
    is_complete = False
    for number, hours in enumerate(price.time_of_use):
        place = f"{path}[{number}]"
        yield from hours_problems(place, hours)
        if is_complete:
            yield Problem(place, "an entry before it fits at all times", "put the one without hours last")
        is_complete = is_complete or (hours.days is None and (hours.start, hours.until) == ("00:00", "24:00"))
