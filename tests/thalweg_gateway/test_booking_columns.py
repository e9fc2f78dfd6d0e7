"""Batches booked together by columns come to exactly what they come to one by one, event by event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design.meters import Meter
from thalweg.mapping import Plan
from thalweg.wire import batch as wire
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.topics import Channel, DeviceTopic
from thalweg_gateway import booking as booking_module
from thalweg_gateway.booking import Booking
from thalweg_gateway.booking_columns import book_together
from thalweg_gateway.intake import Batch
from thalweg_store.assignments import BEGINNING, Assignment, Assignments
from thalweg_store.directory import Device
from thalweg_store.facts import Admission, BookedBatch, BootKey, Outcome, ReceivedBatch
from thalweg_store.flow_columns import EPOCH
from thalweg_store.measuring import MeterPlan, milliseconds

RECEIVED_AT = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
RECEIVED_MS = milliseconds(RECEIVED_AT)
MOVED_AT = RECEIVED_AT - timedelta(minutes=30)
METERS = [
    {"kind": "k", "group_by": ["a", "b"]},
    {"kind": "k", "value": "1", "where": "has(attributes.b) && attributes.b == 'x'"},
    {"kind": "k", "value": "quantity * 3", "where": "quantity < 5000000000000000000"},
    {"kind": "exchanged", "exchange": True, "value": "attributes.a"},
]
PLAN = Plan(
    tuple(Meter.model_validate({"id": f"m{n}", "name": "M", "unit": "count"} | m) for n, m in enumerate(METERS))
)
NUMBERS = {meter.hash: 10 + place for place, meter in enumerate(PLAN.meters)}
#: rather many events lie a few ms on either side of what changes where they are booked
USUAL_TIMES = st.one_of(
    st.integers(RECEIVED_MS - 3_600_000, RECEIVED_MS),
    st.integers(-3, 3).map(lambda ms: milliseconds(MOVED_AT) + ms),
)
USUAL = st.builds(
    Event,
    at_ms=USUAL_TIMES,
    kind=st.sampled_from(["k", "k", "other"]),
    quantity=st.one_of(st.integers(-10, 10**6), st.integers(-(10**18), 10**18)),
    is_exchange=st.just(False),
    attributes=st.dictionaries(
        st.sampled_from(["a", "b"]), st.one_of(st.integers(-3, 3), st.sampled_from(["x", "y"])), max_size=2
    ),
)
UNUSUAL = st.builds(
    Event,
    at_ms=st.one_of(USUAL_TIMES, st.integers(RECEIVED_MS + 59_990, RECEIVED_MS + 60_010), st.integers(0, 100_000)),
    kind=st.sampled_from(["k", "exchanged", "Bad Kind"]),
    quantity=st.integers(-(2**63), 2**63 - 1),
    is_exchange=st.booleans(),
    attributes=st.dictionaries(
        st.sampled_from(["a", "NO"]), st.one_of(st.integers(-3, 3), st.sampled_from(["x", "tab\t"])), max_size=2
    ),
)
DEVICES = [
    Device(number, f"d{number}", 1, True, Assignments(tuple(Assignment(*each, {}) for each in periods)))
    for number, periods in {
        7: [(1, BEGINNING)],
        3: [(2, BEGINNING), (4, MOVED_AT), (3, RECEIVED_AT - timedelta(microseconds=1))],
    }.items()
]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Batch, Admission, int | None]:
    """A batch of one of the devices, perhaps damaged, and how it stands."""
    device = draw(st.sampled_from(DEVICES))
    writer = BatchWriter(bytes(32), draw(st.integers(0, 3)), first_seq=draw(st.integers(0, 100)))
    events = draw(st.sampled_from([USUAL, USUAL, st.one_of(USUAL, UNUSUAL)]))
    for event in draw(st.lists(events, min_size=1, max_size=6)):
        writer.add(event)
    payload = writer.seal(draw(st.sampled_from([0, 1, 1, 1])))
    header = wire.read_header(payload)
    if draw(st.integers(0, 9)) == 0:
        payload = payload[:23] + b"\xff" + payload[24:]
    facts = ReceivedBatch(
        key=BootKey(device.id, header.boot),
        first_seq=header.first_seq,
        count=header.count,
        digest=wire.digest(payload),
        payload=payload,
        received_at=RECEIVED_AT,
    )
    batch = Batch(DeviceTopic("eco", device.name, Channel.EVENTS), device, facts, header)
    admission = draw(
        st.sampled_from(
            [Admission(True, False, ((facts.first_seq, facts.end_seq),))] * 4
            + [Admission(False, False, ()), Admission(True, True, ())]
        )
    )
    return batch, admission, draw(st.sampled_from([None, 0, -5, RECEIVED_MS, -(2**62)]))


def booked_whole(booking: Booking) -> list[BookedBatch]:
    """What was booked by columns, as if it had been booked one by one."""
    return [
        BookedBatch(
            batch=each.received.batch(row),
            outcome=Outcome.BOOKED,
            first_at=EPOCH + timedelta(milliseconds=int(each.first_ms[row])),
            last_at=EPOCH + timedelta(milliseconds=int(each.last_ms[row])),
            offset_ms=each.offsets_ms[row],
            design=each.design,
            refused={},
        )
        for each in booking.columns
        for row in range(len(each))
    ]


def outcome(booking: Booking) -> dict[str, Any]:
    return {
        "batches": sorted([*booking.batches, *booked_whole(booking)], key=lambda each: each.batch.digest),
        "rollups": dict(booking.rollups),
        "panes": dict(booking.panes),
        "tallies": dict(booking.tallies),
        "rejections": booking.rejections,
    }


def one_by_one(found: list[tuple[Batch, Admission, int | None]]) -> dict[str, Any]:
    booking = Booking(MeterPlan(PLAN, NUMBERS, 5))
    for batch, admission, offset_ms in found:
        if admission.is_new:
            booking.add(batch, admission, offset_ms)
    return outcome(booking)


@given(st.lists(arrivals(), max_size=6))
def test_together_and_one_by_one_come_to_the_same(found):
    booking = Booking(MeterPlan(PLAN, NUMBERS, 5))
    booking.add_all(*map(list, zip(*found, strict=True))) if found else booking.add_all([], [], [])
    assert outcome(booking) == one_by_one(found)


def test_an_event_at_the_instant_of_a_move_belongs_to_what_begins_then():
    device = DEVICES[1]
    writer = BatchWriter(bytes(32), 1)
    for ms in (0, 1):  # the move lies between two whole milliseconds
        writer.add(Event(milliseconds(MOVED_AT) + ms, "k", 1 + ms))
    payload = writer.seal()
    facts = ReceivedBatch(
        key=BootKey(device.id, 1), first_seq=0, count=2, digest=bytes(16), payload=payload, received_at=RECEIVED_AT
    )
    batch = Batch(DeviceTopic("eco", device.name, Channel.EVENTS), device, facts, wire.read_header(payload))
    booking = Booking(MeterPlan(PLAN, NUMBERS, 5))
    booking.add_all([batch], [Admission(True, False, ((0, 2),))], [None])
    plain = {key.flow.assignment: total.quantity for key, total in booking.rollups.items() if key.flow.meter == 10}
    assert plain == {2: 1, 4: 2}


@given(found=st.lists(arrivals(), min_size=2, max_size=6), size=st.integers(1, 8))
def test_how_many_are_worked_on_together_makes_no_difference(found, size):
    booking = Booking(MeterPlan(PLAN, NUMBERS, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(booking_module, "book_together", partial(book_together, events_together=size))
        booking.add_all(*map(list, zip(*found, strict=True)))
    assert outcome(booking) == one_by_one(found)
