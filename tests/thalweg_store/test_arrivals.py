from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from thalweg_store.arrivals import Hour, arrivals
from thalweg_store.database import Database
from worlds.gateway import ECOSYSTEM, make_world

pytestmark = pytest.mark.slow
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def test_the_hours_of_a_window_tell_what_arrived_in_them_and_other_ecosystems_do_not_count(database: Database) -> None:
    make_world(database)
    with database.transaction() as connection:
        own = connection.execute(text("select id from device")).scalar_one()
        for device, received_at in (
            (own, NOON - timedelta(microseconds=1)),
            (own, NOON),
            (own, NOON + HALF_HOUR),
            (own + 1, NOON),
            (own, NOON + 5 * HALF_HOUR),
            (own, NOON + 6 * HALF_HOUR),
        ):
            connection.execute(_ADD, {"device": device, "received_at": received_at})
    assert arrivals(database, ECOSYSTEM, NOON, NOON + 6 * HALF_HOUR) == [
        Hour(NOON, batches=2, events=6),
        Hour(NOON + 4 * HALF_HOUR, batches=1, events=3),
    ]


_ADD = text("""
    insert into batch (received_at, device, boot, first_seq, count, outcome, digest, payload)
    values (:received_at, :device, 1, 0, 3, 'booked', '', '')
""")
