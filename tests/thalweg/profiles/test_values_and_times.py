from __future__ import annotations

import unicodedata
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import UnreadableRecord
from thalweg.profiles.document import Rounding, Time
from thalweg.profiles.paths import look_up, steps_of
from thalweg.profiles.times import time_reader
from thalweg.profiles.topics import TopicPattern
from thalweg.profiles.values import integer, number, readable_id, text
from thalweg.wire.topics import is_id

WIDE = Context(prec=100)
MODES = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.DOWN: ROUND_DOWN,
}
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=9)


def milliseconds(written: object, **time: str) -> int:
    return time_reader(Time(path="t", **time), "time")(written)  # type: ignore[arg-type]


@given(decimals, st.sampled_from(sorted(MODES)), st.sampled_from([1, 1000, 100_000_000]))
def test_a_decimal_becomes_the_integer_that_decimal_arithmetic_gives(value, mode, factor):
    oracle = int(WIDE.multiply(value, Decimal(factor)).to_integral_value(MODES[mode], WIDE))
    assert integer(number(str(value), "x") * factor, mode, "x") == oracle


@given(decimals)
def test_what_is_smaller_than_a_step_is_an_error_unless_a_rounding_is_declared(value):
    scaled = WIDE.multiply(value, Decimal(1000))
    if scaled == scaled.to_integral_value():
        assert integer(number(value, "x") * 1000, Rounding.EXACT, "x") == int(scaled)
    else:
        with pytest.raises(UnreadableRecord) as problem:
            integer(number(value, "x") * 1000, Rounding.EXACT, "x")
        assert problem.value.reason == "inexact"


def test_the_noise_of_floating_point_numbers_is_read_as_it_is_written():
    assert number("1234.0030000000001", "x") == Fraction(12340030000000001, 10**13)
    assert number(Decimal("1e-3"), "x") == Fraction(1, 1000)
    assert number("1,5", "x", decimal_comma=True) == Fraction(3, 2)


@pytest.mark.parametrize(
    "written", ["", "nan", "inf", "1_000", "1,5", "0x10", "1e999", True, None, [1], "--1", "9" * 50]
)
def test_what_is_no_plain_number_is_no_number(written):
    with pytest.raises(UnreadableRecord, match="no number"):
        number(written, "x")


def test_a_number_beyond_64_bits_is_refused():
    assert integer(Fraction(2**63 - 1), Rounding.EXACT, "x") == 2**63 - 1
    with pytest.raises(UnreadableRecord, match="64 bits"):
        integer(Fraction(2**63), Rounding.EXACT, "x")


def test_times_are_read_as_they_are_declared():
    assert milliseconds("2018-03-23T12:30:34+01:00") == 1521804634000
    assert milliseconds("2018-03-23T11:30:34Z") == 1521804634000
    assert milliseconds("1656356560.129", format="unix") == 1656356560129
    assert milliseconds(Decimal("1656356560.1299"), format="unix") == 1656356560129
    assert milliseconds(1656356560129, format="unix_ms") == 1656356560129
    assert milliseconds("2018/01/12 17:22:00+00", format="%Y/%m/%d %H:%M:%S+00", zone="UTC") == 1515777720000
    assert milliseconds("2026-07-01T12:00:00", zone="Asia/Kathmandu") == milliseconds("2026-07-01T06:15:00Z")


def test_a_local_time_that_occurs_twice_or_never_is_refused_unless_the_profile_decides():
    twice, never = "2026-10-25T03:30:00", "2026-03-29T03:30:00"
    with pytest.raises(UnreadableRecord, match="occurs twice"):
        milliseconds(twice, zone="Europe/Helsinki")
    earlier = milliseconds(twice, zone="Europe/Helsinki", ambiguous="earlier")
    assert earlier == milliseconds("2026-10-25T00:30:00Z")
    assert milliseconds(twice, zone="Europe/Helsinki", ambiguous="later") == earlier + 3_600_000
    for ambiguous in ("reject", "earlier", "later"):
        with pytest.raises(UnreadableRecord, match="skip"):
            milliseconds(never, zone="Europe/Helsinki", ambiguous=ambiguous)


@pytest.mark.parametrize("written", ["2026-07-01T12:00:00", "yesterday", 5, "1969-12-31T23:59:59Z"])
def test_no_time_is_guessed(written):
    with pytest.raises(UnreadableRecord) as problem:
        milliseconds(written)
    assert problem.value.reason == "bad_time"


@given(st.text(max_size=80))
def test_an_id_made_from_a_name_is_an_id_or_an_error(name):
    has_letters = any(each.isalnum() for each in unicodedata.normalize("NFKD", name) if each.isascii())
    if has_letters:
        assert is_id(readable_id(name, "device"))
    else:
        with pytest.raises(UnreadableRecord, match="nothing of it"):
            readable_id(name, "device")


def test_ids_are_readable():
    assert readable_id("BOULDER / BASELINE ST1", "device") == "boulder-baseline-st1"
    assert readable_id("Domicile", "place") == "domicile"
    long = readable_id("A station with a name much longer than an id may be", "device")
    assert (long[:23], len(long)) == ("a-station-with-a-name-m", 32)


def test_texts_are_those_that_an_event_may_carry():
    assert (text(" a ", "x"), text(3, "x"), text(True, "x")) == ("a", "3", "true")
    for value in ("a\nb", "é" * 128, {"a": 1}):
        with pytest.raises(UnreadableRecord):
            text(value, "x")


def test_paths_lead_into_payloads():
    payload = {"params": {"em:0": {"total": 7}}, "list": [{"v": 1}, {"v": 2}]}
    assert look_up(payload, steps_of("params['em:0'].total")) == 7
    assert look_up(payload, steps_of("list[1].v")) == 2
    for nowhere in ("list[2].v", "params.x", "list.v", "params['em:0'].total.x"):
        assert look_up(payload, steps_of(nowhere)) is None
    for wrong in (".a", "a..b", "a[", "a[x]", "a b"):
        with pytest.raises(ValueError, match="no path"):
            steps_of(wrong)


def test_topics_name_their_levels():
    pattern = TopicPattern("tele/{device}/SENSOR")
    assert pattern.match("tele/plug-1/SENSOR") == {"device": "plug-1"}
    assert (pattern.match("tele/plug-1/STATE"), pattern.match("tele/a/b/SENSOR")) == (None, None)
    assert pattern.filter == "tele/+/SENSOR"
    assert TopicPattern("a/+/{x}/#").match("a/b/c/d/e") == {"x": "c"}
    for wrong in ("a/{x}/{x}", "a/#/b", "a/x+", "{X}"):
        with pytest.raises(ValueError, match=r"level|twice"):
            TopicPattern(wrong)
