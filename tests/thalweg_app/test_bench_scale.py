"""The benches of an aged store: what they book is real, and what they say is a ratio of what they measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from thalweg.wire.batch import decode, verify
from thalweg.wire.keys import derive
from thalweg.wire.topics import parse
from thalweg_app.bench import scale
from thalweg_app.bench.aged_store import Asked
from thalweg_app.bench.cost import Cost
from thalweg_app.bench.history import BATCH_EVENTS, BATCH_MS, ECOSYSTEM, PARTICIPANTS, Past, PastSource
from thalweg_app.bench.requests import Latencies, Requests
from thalweg_app.bench.scale import Measured
from thalweg_app.commands import app
from thalweg_store.database import Database
from thalweg_store.reading import reading

ROOT_KEY = bytes(range(32))
NAMES = ("cp-000", "cp-001", "cp-002")
START = datetime(2026, 11, 1, tzinfo=UTC)


def measured(events: int, cost: float, spent_ms: float) -> Measured:
    asked = Asked(Latencies(p50=spent_ms, p99=2 * spent_ms), processor_ms=spent_ms, database_ms=spent_ms / 2)
    return Measured(
        events=events,
        size_bytes=events * 11,
        ingest=Cost(clock=2 * cost, processor=cost, database=cost / 2),
        day=asked,
        week=asked if events >= 10_000_000 else None,
    )


def test_the_past_is_full_signed_batches_of_every_device_in_order_of_time():
    source = PastSource(ROOT_KEY, NAMES, START)
    source.left = 12
    messages = source.take(100, 0)
    ends: dict[str, int] = {}
    for message in messages:
        device = parse(message.topic).device
        verify(message.payload, derive(ROOT_KEY, ECOSYSTEM, device, 1).uplink)
        batch = decode(message.payload)
        assert (batch.header.first_seq, batch.header.count) == (ends.get(device, 0), BATCH_EVENTS)
        ends[device] = batch.header.end_seq
        assert batch.events[-1].at_ms < message.received_at.timestamp() * 1000
    assert {device: end // BATCH_EVENTS for device, end in ends.items()} == dict.fromkeys(NAMES, 4)
    assert [message.received_at for message in messages] == sorted(message.received_at for message in messages)
    assert messages[-1].received_at - messages[0].received_at < 4 * timedelta(milliseconds=BATCH_MS)
    assert len({message.payload for message in messages}) == 12


def test_a_size_is_ok_when_it_costs_at_most_half_as_much_again():
    sizes = [measured(1_000_000, 4, 20), measured(10_000_000, 5, 31), measured(100_000_000, 6.1, 30)]
    ratios = {figure.name: figure for figure in scale._ratios(sizes)}
    assert len(ratios) == 7
    booking = [ratios[f"{size} M events: booking, beside 1 M events"] for size in (10, 100)]
    assert [(figure.value, figure.ok) for figure in booking] == [(1.25, True), (pytest.approx(1.525), False)]
    assert not ratios["10 M events: 24 h in the database, beside 1 M events"].ok
    week = ratios["100 M events: 7 days in the database, beside 10 M events"]
    assert (week.yardstick and week.yardstick.value, week.ok) == (15.5, True)


def test_there_is_a_hundred_of_participants():
    assert len(set(PARTICIPANTS)) == 100


@pytest.mark.slow
def test_what_the_past_holds_is_booked_once_and_shown_by_the_api(database: Database):
    batches, now = 250, datetime.now(UTC)
    past = Past(database, ROOT_KEY, batches, now)
    past.book(150)
    past.book(100)
    with reading(database, ECOSYSTEM) as facts:
        completeness = facts.completeness()
        assert (completeness.received, completeness.gaps, completeness.duplicates) == (batches * BATCH_EVENTS, 0, 0)
        quantities = facts.quantities(now - timedelta(days=1), now + timedelta(minutes=15))
    sessions = [each for each in quantities if each.quantity == each.occurrences]
    assert sum(each.quantity for each in sessions) == batches * BATCH_EVENTS
    latencies = Requests(database).overview(2, {"window": "24h", "view": "host-07"})
    assert 0 < latencies.p50 <= latencies.p99


def test_a_store_smaller_than_the_smallest_is_not_measured():
    result = CliRunner().invoke(app, ["bench", "scale", "--up-to", "0"])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, ["bench", "read", "--events", "1000"])
    assert result.exit_code == 2
