"""What holds for every batch: it comes back as it was written, and damage is refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import BadSignature, UnknownVersion, WireError
from thalweg.wire.batch import BatchWriter, Event, decode, read_header, verify

VECTORS = Path(__file__).parent / "vectors"
KEY = bytes(range(32))

words = st.text(max_size=63)
signed = st.integers(-(1 << 63), (1 << 63) - 1)
values = st.one_of(signed, words)
events = st.builds(
    Event,
    at_ms=st.integers(0, (1 << 62) - 1),
    kind=words,
    quantity=signed,
    is_exchange=st.booleans(),
    attributes=st.dictionaries(words, values, max_size=16),
)


def _accept(batch: bytes, key: bytes) -> None:
    read_header(batch)
    verify(batch, key)
    decode(batch)


@pytest.mark.parametrize("name", ["usage-and-exchange", "unicode", "mixed-50"])
def test_a_changed_byte_anywhere_is_refused(name: str) -> None:
    vector = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    key, batch = bytes.fromhex(vector["uplink_key"]), bytes.fromhex(vector["batches"][0]["hex"])
    _accept(batch, key)
    for position in range(len(batch)):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            changed = bytearray(batch)
            changed[position] ^= mask
            with pytest.raises(WireError) as refused:
                _accept(bytes(changed), key)
            if position == 0:
                assert refused.type is UnknownVersion
            elif position > 22:
                assert refused.type is BadSignature


def test_a_missing_or_an_added_byte_is_refused() -> None:
    vector = json.loads((VECTORS / "usage-and-exchange.json").read_text(encoding="utf-8"))
    key, batch = bytes.fromhex(vector["uplink_key"]), bytes.fromhex(vector["batches"][0]["hex"])
    for length in range(len(batch)):
        with pytest.raises(WireError):
            _accept(batch[:length], key)
    with pytest.raises(BadSignature):
        _accept(batch + b"\0", key)


@given(st.lists(events, min_size=1, max_size=20), st.integers(0, 3), st.integers(0, 1 << 31))
def test_a_batch_comes_back_as_it_was_written(written: list[Event], quality: int, first_seq: int) -> None:
    writer = BatchWriter(KEY, 7, first_seq=first_seq)
    for event in written:
        writer.add(event)
    batch = writer.seal(quality)
    verify(batch, KEY)
    read = decode(batch)
    assert read.events == tuple(written)
    assert (read.header.first_seq, read.header.count, read.header.time_quality) == (first_seq, len(written), quality)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_read_but_never_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(WireError):
        decode(data)


@given(st.binary(max_size=120), st.integers(1, 6), st.integers(0, 80))
def test_random_sections_behind_a_proper_header_never_break_the_reader(
    body: bytes, count: int, event_bytes: int
) -> None:
    head = bytes([1, 1]) + bytes(8) + count.to_bytes(2, "big") + b"\1" + bytes(8) + event_bytes.to_bytes(2, "big")
    with contextlib.suppress(WireError):
        decode(head + body + bytes(32))


@given(st.data())
def test_mutations_of_real_batches_never_break_the_reader(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["usage-and-exchange", "unicode", "shapes", "varint-widths"]))
    vector = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    batch = bytearray.fromhex(vector["batches"][0]["hex"])
    for position, byte in data.draw(
        st.lists(st.tuples(st.integers(1, len(batch) - 1), st.integers(0, 255)), max_size=6)
    ):
        batch[position] = byte
    with contextlib.suppress(WireError):
        decode(bytes(batch))
