"""Activation measures most of history while ingest goes on: whatever comes in between, the sums are those of a scan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg_gateway.replay import Replay
from thalweg_store import activation, backfill
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.registry import Registry
from thalweg_store.retention import drop_bytes
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge, make_world, occupancy
from worlds.oracle import received_events, scan, stored_fates, stored_rollups

pytestmark = [pytest.mark.slow, pytest.mark.overlapping_transactions]

DESIGN = text("ev-charging")
#: does not count small charges; the other refuses sessions that do not say how long they took
LARGE_ONLY = DESIGN.replace("unit: Wh\n", "unit: Wh\n    where: quantity > 100\n")
BY_SECONDS = DESIGN.replace('value: "1"\n    unit: count\n', "value: attributes.seconds\n    unit: count\n", 1)
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
HOUR = NOON.replace(minute=0, second=0, microsecond=0)
WITHOUT_CLOCK = 9


@pytest.fixture
def world(database: Database) -> World:
    """Batches that are booked, that wait for a clock, and that have a refused event."""
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    activate(made, BY_SECONDS)
    for minute in range(0, 60, 7):
        made.send(made.batch(charge(20 * minute, NOON_MS + 60_000 * minute), occupancy(NOON_MS)))
    made.send(made.batch(charge(500), charge(50), charge(70, seconds="none"), boot=8))
    made.send(made.batch(charge(300, at_ms=60_000), charge(30, at_ms=70_000), boot=WITHOUT_CLOCK, time_quality=0))
    made.pipeline.step()
    assert set(stored_fates(database)) >= {"mapped", "rejected", "parked"}
    return made


def activate(world: World, document: str) -> None:
    Registry(world.database).activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))


def is_exact(world: World) -> bool:
    rollups, fates = scan(world.database, ECOSYSTEM)
    stored = stored_fates(world.database)
    return (
        stored_rollups(world.database) == rollups
        and {fate: stored.get(fate, 0) for fate in fates} == fates
        and sum(stored.values()) == received_events(world.database)
    )


def send(world: World) -> None:
    world.send(world.batch(charge(900), boot=8))
    world.pipeline.step()


def hear_clock(world: World) -> None:
    up = 90 * 60_000
    world.send_state(state="on", boot=WITHOUT_CLOCK, next=2, up=up, now=NOON_MS + up, q=1)
    world.pipeline.step()


def replay(world: World) -> None:
    Replay(world.database, ECOSYSTEM, ROOT_KEY).run()


def assign(world: World) -> None:
    registry = Registry(world.database)
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, NOON + timedelta(minutes=20), datetime.now(UTC))


def close(world: World) -> None:
    period_close(world.database, ECOSYSTEM, HOUR, HOUR + timedelta(hours=1), datetime.now(UTC))


def retain(world: World) -> None:
    drop_bytes(world.database, ECOSYSTEM, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))


def other_design(world: World) -> None:
    activate(world, LARGE_ONLY.replace("> 100", "> 200"))


@pytest.mark.parametrize("act", [send, hear_clock, replay, assign, close, other_design])
@pytest.mark.parametrize("first", [DESIGN, BY_SECONDS])
def test_what_happens_while_history_is_measured_is_neither_left_out_nor_counted_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[World], None], first: str
) -> None:
    activate(world, first)
    calls = in_between(monkeypatch, lambda: act(world))
    activate(world, LARGE_ONLY)
    assert calls, "something happened in between"
    assert is_exact(world)
    for step in (hear_clock, replay, send):
        step(world)
    assert is_exact(world), "and what comes later adds to it"


def test_bytes_that_retention_drops_while_history_is_measured_end_the_coverage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_between(monkeypatch, lambda: retain(world))
    activate(world, LARGE_ONLY)
    large = {key for key in stored_rollups(world.database) if key[1] == quarter_hour(NOON)}
    assert len({meter for meter, *_ in large}) == 3, "the new meter's sums begin where its coverage does"
    covers = world.rows("select count(*) from meter_coverage where covers_from > '2001-01-01'")
    assert covers == [(2,)]


def test_a_directory_that_changes_all_the_time_does_not_keep_a_design_from_coming_into_force(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = in_between(monkeypatch, lambda: assign(world), times=100)
    activate(world, LARGE_ONLY)
    assert len(calls) == 3, "then everything is done under the lock"
    assert is_exact(world)


def test_sums_that_do_not_fit_memory_wait_in_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_MAX_SUMS", 1)
    monkeypatch.setattr(backfill, "_EVENTS_TOGETHER", 2)
    close(world)
    activate(world, LARGE_ONLY)
    assert is_exact(world)


def in_between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], times: int = 1) -> list[int]:
    """Have `act` run between measuring and booking, up to so many times; what is returned grows with each."""
    lock, mark = activation.lock_exclusively, activation._mark
    calls: list[int] = []
    marked: list[bool] = []

    def mark_and_remember(*arguments: object) -> object:
        made = mark(*arguments)  # type: ignore[arg-type]
        marked.append(True)
        return made

    def act_then_lock(connection: Connection) -> None:
        if marked and len(calls) < times:
            marked.clear()
            calls.append(len(calls))
            act()
        lock(connection)

    monkeypatch.setattr(activation, "_mark", mark_and_remember)
    monkeypatch.setattr(activation, "lock_exclusively", act_then_lock)
    return calls
