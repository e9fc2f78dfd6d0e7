"""Boots without a clock: their batches wait, are booked once, and are never moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg_gateway.commit import Committer
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.parking_end import PARKING, expire_parking
from thalweg_store.registry import Registry
from worlds.gateway import ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge
from worlds.oracle import scan, stored_rollups

pytestmark = pytest.mark.slow

UPTIME_MS = 3_600_000
FATES = "select outcome, sum(events)::int from tally where events <> 0 group by 1 order by 1"
TIMES = "select first_at, last_at, offset_ms is not null, outcome from batch order by id"


def at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def birth(world: World, now_ms: int, boot: int = 7, up: int = UPTIME_MS, quality: int = 1) -> None:
    world.send_state(state="on", boot=boot, next=0, up=up, now=now_ms, q=quality)
    world.pipeline.step()


@pytest.fixture
def committer(world: World) -> Committer:
    return Committer(world.database, ECOSYSTEM, KeyRing(ROOT_KEY, ECOSYSTEM), "gateway-2")


def test_the_birth_that_brings_the_clock_books_what_waited_for_it(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), charge(6, at_ms=120_000), time_quality=0))
    world.pipeline.step()
    assert world.rows(FATES) == [("parked", 2)]
    birth(world, NOON_MS)
    offset_ms = NOON_MS - UPTIME_MS
    assert world.rows(TIMES) == [(at(offset_ms + 60_000), at(offset_ms + 120_000), True, "booked")]
    assert world.rows(FATES) == [("mapped", 2)]
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


def test_batches_that_come_after_the_clock_was_known_do_not_wait(world: World) -> None:
    birth(world, NOON_MS)
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    world.pipeline.step()
    assert world.rows(TIMES) == [(at(NOON_MS - UPTIME_MS + 60_000),) * 2 + (True, "booked")]


def test_the_clock_and_the_batch_may_come_in_one_transaction(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    world.send_state(state="on", boot=7, next=1, up=UPTIME_MS, now=NOON_MS, q=1)
    world.pipeline.step()
    assert world.rows(FATES) == [("mapped", 1)]


def test_another_clock_later_moves_nothing(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    birth(world, NOON_MS)
    before = world.rows(TIMES)
    birth(world, NOON_MS + 7_200_000)
    assert world.rows(TIMES) == before
    world.send(world.batch(charge(5, at_ms=120_000), time_quality=0))
    world.pipeline.step()
    assert world.rows(TIMES)[1][0] == at(NOON_MS - UPTIME_MS + 120_000), "one boot has one clock"


@pytest.mark.parametrize(("ahead", "quality"), [(None, 0), (timedelta(0), 0), (timedelta(days=1), 1)])
def test_a_clock_that_is_not_set_or_ahead_of_ours_is_none(
    world: World, ahead: timedelta | None, quality: int
) -> None:  # fmt: skip
    now_ms = 0 if ahead is None else int((datetime.now(UTC) + ahead).timestamp() * 1000)
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    birth(world, now_ms, quality=quality)
    assert world.rows(FATES) == [("parked", 1)]


def test_what_waited_for_a_day_is_booked_no_later_than_it_was_received(world: World, committer: Committer) -> None:
    for number in range(2):
        world.send(world.batch(charge(number, at_ms=60_000 * number), charge(9, at_ms=60_000 * 5), time_quality=0))
        world.pipeline.step()
    received = [row[0] for row in world.rows("select received_at from batch order by id")]
    assert expire_parking(world.database, committer, "gateway-2", received[1] + PARKING - timedelta(seconds=1)) <= 1
    assert expire_parking(world.database, committer, "gateway-2", received[1] + PARKING + timedelta(seconds=1)) >= 1
    assert expire_parking(world.database, committer, "gateway-2", received[1] + 2 * PARKING) == 0, "once"
    for (first_at, last_at, is_estimated, outcome), received_at in zip(world.rows(TIMES), received, strict=True):
        assert last_at <= received_at
        assert last_at > received_at - timedelta(minutes=1), "as late as possible"
        assert (is_estimated, outcome) == (True, "booked")
        assert first_at < last_at
    assert world.rows(FATES) == [("mapped", 4)]
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


def test_what_waits_goes_to_the_design_and_the_assignment_of_its_booking(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    world.pipeline.step()
    registry = Registry(world.database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"library": "Library"})
    new = registry.assign(ECOSYSTEM, "cp-01", {"host": "library"}, at(0), datetime.now(UTC))
    birth(world, NOON_MS)
    assert {assignment for _, _, assignment, _ in stored_rollups(world.database)} == {new}
