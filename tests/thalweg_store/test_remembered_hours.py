"""What readers remember is what their own snapshot holds, whatever has changed since."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy import text as sql

from thalweg.design import content_hash, load
from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.errors import UnknownEcosystem
from thalweg.examples import text
from thalweg.quantities import Quantities
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.facts import Fate, quarter_hour
from thalweg_store.hour_reading import RollupColumns
from thalweg_store.reading import Reading, reading
from thalweg_store.register import Register, RememberedRegisters
from thalweg_store.registry import Registry
from thalweg_store.remembered import Remembered
from thalweg_store.remembered_hours import RememberedHours
from thalweg_store.snapshots import Snapshot
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, World, charge, make_world

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
LARGE_ONLY = DESIGN.replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 100\n    group_by")
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
START = quarter_hour(NOON)
HOUR = timedelta(hours=1)
FATES = sql("select outcome, sum(events) as events from tally where bucket >= :start and bucket < :end group by 1")
FIRST, END = quarter_of(START - 10 * HOUR), quarter_of(START + 10 * HOUR)


@pytest.fixture
def world(database: Database) -> World:
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    return made


def send(world: World, wh: int, at: datetime = NOON, kind: str = "charging.session") -> None:
    world.send(world.batch(replace(charge(wh, at_ms=int(at.timestamp() * 1000)), kind=kind)))
    world.pipeline.step()


def rows(columns: RollupColumns) -> list[tuple[int, ...]]:
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def held(connection: Connection) -> list[tuple[int, ...]]:
    """What a snapshot holds, read anew."""
    return rows(RememberedHours().rollups(connection, Snapshot.of(connection), FIRST, END))


def fates_held(connection: Connection, first: int, end: int) -> Counter[Fate]:
    """What a snapshot holds, added up by the database."""
    bounds = {"start": beginning_of(first), "end": beginning_of(end)}
    return Counter({Fate(row.outcome): int(row.events) for row in connection.execute(FATES, bounds)})


def test_after_any_change_what_is_remembered_is_what_is_there(world: World) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible, no secret
    registry, remembered, registers = Registry(world.database), RememberedHours(), RememberedRegisters()
    documents = [LARGE_ONLY, DESIGN]
    for _ in range(40):
        at = START + chance.randrange(-20, 20) * HOUR / 4 + timedelta(minutes=chance.randrange(15))
        match chance.choice(["send", "send", "send", "close", "assign", "activate"]):
            case "send":
                kind = chance.choice(["charging.session", "unheard.of"])
                send(world, chance.randrange(1, 500), at, kind)
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
            found = remembered.rollups(connection, Snapshot.of(connection), first, end)
            assert rows(found) == [row for row in held(connection) if first <= row[1] < end]
            present = Snapshot.of(connection)
            assert rows(remembered.rollups(connection, present, FIRST, END)) == held(connection)
            assert remembered.fates(connection, present, ECOSYSTEM, first, end) == fates_held(connection, first, end)
            found = Reading(connection, ECOSYSTEM, Remembered(remembered, registers))
            anew = Reading(connection, ECOSYSTEM)
            assert sorted(found.quantities(START, NOON + HOUR)) == sorted(anew.quantities(START, NOON + HOUR))
            assert vars(found.register) == vars(anew.register)


@pytest.mark.overlapping_transactions
def test_a_snapshot_never_sees_what_another_one_has_read_since(world: World) -> None:
    remembered = RememberedHours()
    send(world, 1)
    with world.database.snapshot() as early:
        before = held(early)
        send(world, 10)
        send(world, 100, NOON + 2 * HOUR)
        with world.database.snapshot() as late:
            after = rows(remembered.rollups(late, Snapshot.of(late), FIRST, END))
            assert after == held(late) != before
            assert rows(remembered.rollups(early, Snapshot.of(early), FIRST, END)) == before
            assert rows(remembered.rollups(late, Snapshot.of(late), FIRST, END)) == after


@pytest.mark.overlapping_transactions
def test_a_transaction_that_was_under_way_is_seen_once_it_is_committed(world: World) -> None:
    remembered = RememberedHours()
    send(world, 1)
    change = "update rollup set quantity = quantity + 5"
    note = "update rollup_change set xact = pg_current_xact_id()::text::bigint"
    with world.database.transaction() as writer:
        writer.exec_driver_sql(change)
        writer.exec_driver_sql(note)
        with world.database.snapshot() as connection:
            before = rows(remembered.rollups(connection, Snapshot.of(connection), FIRST, END))
    with world.database.snapshot() as connection:
        found = rows(remembered.rollups(connection, Snapshot.of(connection), FIRST, END))
        assert found == held(connection) != before


def test_no_more_is_remembered_than_there_is_room_for(world: World) -> None:
    small = RememberedHours(max_rows=2)
    for hours in range(4):
        send(world, 1 + hours, NOON + hours * HOUR)
    for _ in range(2):
        with world.database.snapshot() as connection:
            assert rows(small.rollups(connection, Snapshot.of(connection), FIRST, END)) == held(connection)


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


def test_a_window_and_a_register_are_the_same_objects_until_something_of_them_changes(world: World) -> None:
    def asked() -> tuple[Quantities, Quantities, Register]:
        with reading(world.database, ECOSYSTEM) as facts:
            past, present = facts.quantities(START - 5 * HOUR, START - HOUR), facts.quantities(START, START + HOUR)
            return past, present, facts.register

    send(world, 1)
    past, present, register = asked()
    assert all(one is other for one, other in zip(asked(), (past, present, register), strict=True))
    send(world, 10)
    assert [one is other for one, other in zip(asked(), (past, present, register), strict=True)] == [True, False, True]
    Registry(world.database).assign(ECOSYSTEM, DEVICE, {"host": "library"}, NOON + HOUR, datetime.now(UTC))
    assert asked()[2] is not register


def test_an_ecosystem_that_is_registered_later_is_found(database: Database) -> None:
    with reading(database, "later") as facts, pytest.raises(UnknownEcosystem):
        facts.ecosystem()
    registry = Registry(database)
    registry.ensure_ecosystem("later", "Later", {"anna": "Anna"})
    registry.activate_design("later", DESIGN, content_hash(load(DESIGN)), datetime.now(UTC))
    with reading(database, "later") as facts:
        assert facts.ecosystem().participants == {"anna": "Anna"}
