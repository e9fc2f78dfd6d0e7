"""What readers remember of rollups is what their own snapshot holds, whatever has changed since."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from thalweg.design import content_hash, load
from thalweg.design.quarters import quarter_of
from thalweg.examples import text
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.reading import Reading, reading
from thalweg_store.registry import Registry
from thalweg_store.rollup_reading import RememberedRollups, RollupColumns
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, World, charge, make_world

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
LARGE_ONLY = DESIGN.replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 100\n    group_by")
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
START = quarter_hour(NOON)
HOUR = timedelta(hours=1)
FIRST, END = quarter_of(START - 10 * HOUR), quarter_of(START + 10 * HOUR)


@pytest.fixture
def world(database: Database) -> World:
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    return made


def send(world: World, wh: int, at: datetime = NOON) -> None:
    world.send(world.batch(charge(wh, at_ms=int(at.timestamp() * 1000))))
    world.pipeline.step()


def rows(columns: RollupColumns) -> list[tuple[int, ...]]:
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def held(connection: Connection) -> list[tuple[int, ...]]:
    """What a snapshot holds, read anew."""
    return rows(RememberedRollups().read(connection, FIRST, END))


def test_after_any_change_what_is_remembered_is_what_is_there(world: World) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible, no secret
    registry, remembered = Registry(world.database), RememberedRollups()
    documents = [LARGE_ONLY, DESIGN]
    for _ in range(40):
        at = START + chance.randrange(-20, 20) * HOUR / 4 + timedelta(minutes=chance.randrange(15))
        match chance.choice(["send", "send", "send", "close", "assign", "activate"]):
            case "send":
                send(world, chance.randrange(1, 500), at)
            case "close":
                hour = START + chance.randrange(-5, 5) * HOUR
                period_close(world.database, ECOSYSTEM, hour, hour + HOUR, datetime.now(UTC))
            case "assign":
                host = chance.choice(["mall-42", "library"])
                registry.assign(ECOSYSTEM, DEVICE, {"host": host}, at, datetime.now(UTC))
            case _:
                documents.reverse()
                registry.activate_design(ECOSYSTEM, documents[0], content_hash(load(documents[0])), datetime.now(UTC))
        first = chance.randrange(FIRST, END)
        end = chance.randrange(first, END + 1)
        with world.database.snapshot() as connection:
            found = remembered.read(connection, first, end)
            assert rows(found) == [row for row in held(connection) if first <= row[1] < end]
            assert rows(remembered.read(connection, FIRST, END)) == held(connection)


@pytest.mark.overlapping_transactions
def test_a_snapshot_never_sees_what_another_one_has_read_since(world: World) -> None:
    remembered = RememberedRollups()
    send(world, 1)
    with world.database.snapshot() as early:
        before = held(early)
        send(world, 10)
        send(world, 100, NOON + 2 * HOUR)
        with world.database.snapshot() as late:
            after = rows(remembered.read(late, FIRST, END))
            assert after == held(late) != before
            assert rows(remembered.read(early, FIRST, END)) == before
            assert rows(remembered.read(late, FIRST, END)) == after


@pytest.mark.overlapping_transactions
def test_a_transaction_that_was_under_way_is_seen_once_it_is_committed(world: World) -> None:
    remembered = RememberedRollups()
    send(world, 1)
    change = "update rollup set quantity = quantity + 5"
    note = "update rollup_change set xact = pg_current_xact_id()::text::bigint"
    with world.database.transaction() as writer:
        writer.exec_driver_sql(change)
        writer.exec_driver_sql(note)
        with world.database.snapshot() as connection:
            before = rows(remembered.read(connection, FIRST, END))
    with world.database.snapshot() as connection:
        found = rows(remembered.read(connection, FIRST, END))
        assert found == held(connection) != before


def test_no_more_is_remembered_than_there_is_room_for(world: World) -> None:
    small = RememberedRollups(max_rows=2)
    for hours in range(4):
        send(world, 1 + hours, NOON + hours * HOUR)
    for _ in range(2):
        with world.database.snapshot() as connection:
            assert rows(small.read(connection, FIRST, END)) == held(connection)


def test_windows_are_the_same_whether_they_are_remembered_or_added_up_by_the_database(world: World) -> None:
    for hours in range(4):
        send(world, 1 + hours, NOON + hours * HOUR)
    close_at = START + HOUR
    period_close(world.database, ECOSYSTEM, close_at, close_at + HOUR, datetime.now(UTC))
    send(world, 50, NOON + HOUR)
    for by_bucket in (False, True):
        with reading(world.database, ECOSYSTEM) as facts:
            for _ in range(2):
                remembered = facts.quantities(START, START + 5 * HOUR, by_bucket=by_bucket)
                long = facts.quantities(START - timedelta(days=100), START + 5 * HOUR, by_bucket=by_bucket)
                assert sorted(remembered.summed(remembered.quarters)) == sorted(long.summed(long.quarters))
                assert len(remembered)


def test_other_ecosystems_are_left_out(world: World) -> None:
    send(world, 1)
    with world.database.snapshot() as connection:
        assert len(Reading(connection, ECOSYSTEM).quantities(START, START + HOUR))
        assert not len(Reading(connection, "elsewhere").quantities(START, START + HOUR))
