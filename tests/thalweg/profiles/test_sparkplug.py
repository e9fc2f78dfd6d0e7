"""Payloads of Sparkplug B, as Google's protobuf library writes them by the specification's sparkplug_b.proto."""

from __future__ import annotations

import struct
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import UnreadableRecord
from thalweg.profiles import Found, Reader, Refused, sparkplug
from thalweg.profiles.document import Format
from thalweg.profiles.records import payload_of
from thalweg.profiles.shipped import profile

PAYLOAD = bytes.fromhex(
    "08eaf2f5a8a02b12370a0d4c696e6520312f456e65726779100118a2828395862b200a4a120a07656e67556e69741207080c42036b5768"
    "699a9999999919284012160a0d4c696e6520322f456e657267792009653333e34012180a0d4c696e6520332f456e657267792008588080"
    "8080802012130a0d4c696e6520342f456e65726779200a380112100a064f6666736574200350fbffffff0f12160a0742616c616e636520"
    "0458f9ffffffffffffffff01120d0a0752756e6e696e67200b7001120f0a0653657269616c200c7a03412d371214100918a3828395862b"
    "200a6900000000000000001802"
)
TOPIC = "spBv1.0/Plant 1/DDATA/edge-7/press-3"


def test_metrics_are_read_with_their_types() -> None:
    found = sparkplug.decoded(PAYLOAD)
    assert (found["timestamp"], found["seq"]) == (1486144502122, 2)
    first, *others = found["metrics"]
    assert first == {
        "name": "Line 1/Energy",
        "alias": 1,
        "timestamp": 1479123452194,
        "datatype": 10,
        "properties": {"engUnit": "kWh"},
        "value": Decimal("12.05"),
    }
    assert {each.get("name"): each.get("value") for each in others} == {
        "Line 2/Energy": Decimal("7.1"),  # of single precision
        "Line 3/Energy": 1 << 40,
        "Line 4/Energy": None,
        "Offset": -5,
        "Balance": -7,
        "Running": True,
        "Serial": "A-7",
        None: Decimal(0),
    }


def test_the_shipped_profile_reads_energy_by_name_and_refuses_aliases() -> None:
    reader = Reader(profile("sparkplug-energy"))
    record = payload_of(PAYLOAD, Format.SPARKPLUG)
    events = [each for each in reader.read(record, 0, TOPIC) if isinstance(each, Found)]
    assert [(each.device, each.counter, each.event.quantity, each.event.at_ms) for each in events] == [
        ("press-3", "Line 1/Energy", 12_050, 1479123452194),
        ("press-3", "Line 2/Energy", 7_100, 1486144502122),
        ("press-3", "Line 3/Energy", (1 << 40) * 1000, 1486144502122),
    ]
    refused = [each.reason for each in reader.read(record, 0, TOPIC) if isinstance(each, Refused)]
    assert refused == ["alias"]
    assert reader.read(record, 0, TOPIC.replace("DDATA", "DCMD")) == ()
    assert len(reader.read(record, 0, TOPIC.replace("DDATA", "DBIRTH"))) == 4


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_of_single_precision_becomes_a_decimal_that_stands_for_it_alone(value: float) -> None:
    raw = struct.pack("<f", value)
    metric = b"\x65" + raw
    (found,) = sparkplug.decoded(b"\x12" + bytes([len(metric)]) + metric)["metrics"]
    assert struct.pack("<f", float(found["value"])) == raw or found["value"] == 0


@given(st.binary(max_size=200) | st.integers(0, len(PAYLOAD)).map(lambda cut: PAYLOAD[:cut]))
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    with suppress(UnreadableRecord):
        Reader(profile("sparkplug-energy")).read(payload_of(raw, Format.SPARKPLUG), 0, TOPIC)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x12\x05\x0a",  # cut off
        b"\x0b",  # a group
        b"\x0a\x01a",  # a text where a number should be
        b"\x10\x01",  # a number where a metric should be
        b"\x12\x03\x0a\x01\xff",  # a name that is no UTF-8
        b"\x12\x03\x62\x01a",  # a text where a number of four bytes should be
        b"\xff" * 11,  # a number without an end
        b"{}",
    ],
)
def test_what_is_no_sparkplug_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="no Sparkplug B"):
        sparkplug.decoded(raw)
