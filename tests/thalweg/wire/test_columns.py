"""Decoding by columns says of every batch, in either form, exactly what the scalar decoders say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import WireError
from thalweg.wire import batch as scalar
from thalweg.wire import forms
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.columns_decoder import decode
from thalweg.wire.header_columns import read_headers
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.varint import SIGNED_LIMIT

KEY = bytes(range(32))
SIGNED = st.one_of(
    st.integers(-SIGNED_LIMIT, SIGNED_LIMIT - 1),
    st.integers(-300, 300),
    st.sampled_from([-SIGNED_LIMIT, SIGNED_LIMIT - 1, 0, 63, 64, -64, -65]),
)
NAMES = st.sampled_from(["a", "b", "to", "ä", "long-name"])
VALUES = st.one_of(SIGNED, st.sampled_from(["", "x", "volt-pass", "ö", "z" * 255]))
EVENTS = st.builds(
    Event,
    at_ms=st.integers(10**6, 10**6 + 10**9),
    kind=st.sampled_from(["charging.session", "occupancy", "k"]),
    quantity=SIGNED,
    is_exchange=st.booleans(),
    attributes=st.dictionaries(NAMES, VALUES, max_size=5),
)


def sealed(
    events: list[Event],
    boot: int = 7,
    first_seq: int = 0,
    quality: int = 1,
    writer_of: type[BatchWriter | JsonBatchWriter] = BatchWriter,
) -> bytes:
    writer = writer_of(KEY, boot, first_seq=first_seq)
    for event in events:
        if event.is_exchange and writer_of is JsonBatchWriter:
            event.attributes["to"] = str(event.attributes.get("to", "city"))
        writer.add(event)
    return writer.seal(quality)


SEALED = st.builds(
    sealed,
    st.lists(EVENTS, min_size=1, max_size=20),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 100),
    st.integers(0, 3),
    st.sampled_from([BatchWriter, JsonBatchWriter]),
)
#: whole texts and pieces of them that say something odd, in place of others
ODDITIES = st.sampled_from(
    [
        *('"boot":7,', '"boot":8,"boot":7,', '"x":1,', '"prev":"', '"prev":"Z', '"v":2,', '"q":4,', '"at":-1,'),
        *("[0,", "[-9000000000000000,", "[9223372036854775807,", "[9223372036854775808,", "[1.0,", "[1e3,", "[true,"),
        *("[NaN,", "[-0,", "[[[[[", "{}", "[]", "null", '{"a":1,"a":1}', '{"a":[]}', '{"to":"x"}', ',"to"]', "\n", " "),
        *(r'"\u0041"', r'"\ud800"', r'"\""', '"é"', '"' + "é" * 128 + '"', '"\u0000"', "}{", "},{", "\ufeff", "\\"),
    ]
)


@st.composite
def odd(draw: st.DrawFn) -> bytes:
    """A text of JSON rows in which pieces were changed."""
    text = draw(SEALED.filter(forms.is_json)).decode()
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(text) - 33))
        text = text[:first] + draw(ODDITIES) + text[first + draw(st.integers(0, 8)) :]
    return text.encode(errors="surrogatepass")


BATCHES = st.one_of(SEALED, SEALED, odd())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A batch with bytes changed, cut out or put in: authentic senders may still write nonsense."""
    data = bytearray(draw(SEALED))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(["set", "cut", "insert", "ones"]))
        if change == "set" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif change == "cut":
            del data[at : at + draw(st.integers(1, 5))]
        elif change == "ones":
            data[at : at + 10] = b"\xff" * 10
        else:
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
    return bytes(data)


def assert_equal(batches: list[bytes]) -> None:
    columns = decode(batches)
    rows = [(int(b), int(o)) for b, o in zip(columns.batch, columns.offset, strict=True)]
    found = {where: columns.event(row) for row, where in enumerate(rows)}
    assert len(found) == len(rows)
    assert rows == sorted(rows)
    for place, batch in enumerate(batches):
        events, problem = judged(batch)
        mine = columns.problems.get(place)
        assert (type(mine), str(mine)) == (type(problem), str(problem))
        for offset, event in enumerate(events):
            own = found.pop((place, offset))
            assert own == event
            assert list(own.attributes) == list(event.attributes)
    assert not found


def judged(batch: bytes) -> tuple[tuple[Event, ...], WireError | None]:
    """What the scalar decoders say."""
    try:
        return forms.decode(batch).events, None
    except WireError as problem:
        return (), problem


@given(st.lists(st.one_of(damaged(), SEALED), max_size=5))
def test_headers_by_columns_are_those_of_the_scalar_reader(batches):
    headers = read_headers(batches)
    for place, batch in enumerate(batches):
        try:
            expected = scalar.read_header(batch)
        except WireError:
            assert not headers.is_valid[place]
        else:
            assert headers.is_valid[place]
            for name in ("key_version", "boot", "first_seq", "count", "time_quality", "base_ms", "event_bytes"):
                assert int(getattr(headers, name)[place]) == getattr(expected, name)


@given(st.lists(BATCHES, max_size=6))
def test_any_batches_decode_as_the_scalar_decoder_decodes_them(batches):
    assert_equal(batches)


@given(st.lists(st.one_of(damaged(), BATCHES), min_size=1, max_size=5))
def test_damaged_batches_have_the_scalar_decoders_problem_and_leave_the_others_alone(batches):
    assert_equal(batches)


@given(st.lists(st.binary(max_size=80), max_size=4), st.binary(max_size=120))
def test_any_bytes_behind_a_valid_start_are_judged_alike(noise, tail):
    frame = bytes([1, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 2, 1]) + (10**12).to_bytes(8, "big")
    assert_equal([*noise, frame + (len(tail) // 2).to_bytes(2, "big") + tail + bytes(32)])


@given(st.integers(0, 2**64 - 1), st.lists(SIGNED, min_size=1, max_size=6))
def test_times_are_exact_beyond_64_bits_too(base_ms, steps):
    events = bytearray()
    for step in steps:
        scalar.append_unsigned(events, 0)
        scalar.append_signed(events, step)
        scalar.append_signed(events, 1)
    head = bytes([1, 1]) + (7).to_bytes(4, "big") + (0).to_bytes(4, "big") + len(steps).to_bytes(2, "big") + bytes([1])
    whole = head + base_ms.to_bytes(8, "big") + len(events).to_bytes(2, "big") + events + b"\x02k\x01\x00" + bytes(32)
    assert_equal([whole, sealed([Event(5_000_000, "k", 1)])])


@pytest.mark.parametrize("vector", sorted((Path(__file__).parents[2] / "contract" / "vectors").glob("*.json")), ids=str)
def test_golden_batches_decode_alike(vector):
    batches = json.loads(vector.read_text(encoding="utf-8")).get("batches", [])
    assert_equal([bytes.fromhex(each["hex"]) if "hex" in each else each["text"].encode() for each in batches])


def test_equal_strings_and_shapes_of_different_batches_have_one_place():
    one = sealed([Event(10, "k", 1, False, {"a": "x", "b": "y"})])
    other = sealed([Event(10, "other", 1), Event(10, "k", 1, False, {"a": "y", "b": "x"})])
    columns = decode([one, other, one])
    assert sorted(columns.strings) == sorted(set(columns.strings))
    assert columns.shape[0] == columns.shape[2] == columns.shape[3]


def test_no_batches_have_no_events():
    assert len(decode([])) == 0
