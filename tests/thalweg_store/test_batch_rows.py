"""Every column of a batch's row comes out of the database as it went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg_store.batches import booked_batches, copy_batches, parked_batches
from thalweg_store.database import Database
from thalweg_store.facts import BookedBatch, BootKey, Outcome, ReceivedBatch
from worlds.gateway import ECOSYSTEM, make_world

NOW = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def received(device: int, payload: bytes = b"\x00\xff payload") -> ReceivedBatch:
    return ReceivedBatch(
        key=BootKey(device, 2**32 - 1),
        first_seq=2**32 - 2,
        count=1,
        digest=bytes(range(16)),
        payload=payload,
        received_at=NOW,
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"offset_ms": -(2**62), "refused": {"unmeasurable": [(3, 4)], "bad_name": [(1, 2), (7, 9)]}},
        {"first_at": datetime(1970, 1, 1, tzinfo=UTC), "last_at": NOW + timedelta(microseconds=1)},
    ],
    ids=["plain", "refused", "old"],
)
def test_a_booked_batch_is_read_as_it_was_written(database: Database, more):
    make_world(database)
    with database.transaction() as connection:
        device = connection.exec_driver_sql("select id from device").scalar_one()
        settings = {"outcome": Outcome.BOOKED, "first_at": NOW, "last_at": NOW, "design": 1, "refused": {}} | more
        booked = BookedBatch(batch=received(device), **settings)
        copy_batches(connection, [booked, BookedBatch(batch=received(device, b""), **settings)])
        stored, empty = booked_batches(connection, ECOSYSTEM)
    assert (stored.batch, empty.batch.payload) == (booked.batch, b"")
    assert {name: getattr(stored, name) for name in settings} == settings


def test_a_parked_batch_has_no_times_and_no_design(database: Database):
    make_world(database)
    with database.transaction() as connection:
        device = connection.exec_driver_sql("select id from device").scalar_one()
        copy_batches(connection, [BookedBatch(batch=received(device), outcome=Outcome.PARKED)])
        [stored] = parked_batches(connection, received(device).key)
    assert (stored.first_at, stored.last_at, stored.design, stored.offset_ms, stored.refused) == (None,) * 4 + ({},)
