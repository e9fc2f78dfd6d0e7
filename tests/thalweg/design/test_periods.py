"""How many periods a window holds: exact and additive, whatever the zone does with its clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design.periods import Period, periods_in

ZONES = ["UTC", "Europe/Helsinki", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds, as asked for


@given(st.sampled_from(Period), st.sampled_from(ZONES), st.tuples(moments, moments, moments).map(sorted))
def test_a_window_holds_what_its_parts_hold(period, zone, times):
    first, middle, last = times
    whole = periods_in(period, first, last, zone)
    assert whole == periods_in(period, first, middle, zone) + periods_in(period, middle, last, zone)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("period", "first", "last", "count"),
    [
        (Period.DAY, (2026, 3, 1), (2026, 4, 1), 31),
        (Period.WEEK, (2026, 3, 2), (2026, 4, 6), 5),
        (Period.MONTH, (2026, 1, 1), (2027, 1, 1), 12),
        (Period.YEAR, (2024, 1, 1), (2027, 1, 1), 3),
    ],
)
def test_whole_periods_of_a_zone_count_as_whole(zone, period, first, last, count):
    start, end = (datetime(*day, tzinfo=ZoneInfo(zone)) for day in (first, last))
    assert periods_in(period, start, end, zone) == count


def test_the_day_that_clocks_go_forward_has_23_hours():
    start = datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Helsinki"))
    an_hour = start + timedelta(hours=1)
    assert periods_in(Period.DAY, start, an_hour, "Europe/Helsinki") == Fraction(1, 23)
    assert periods_in(Period.HOUR, start.astimezone(UTC), datetime(2026, 3, 29, 21, tzinfo=UTC), "UTC") == 23
