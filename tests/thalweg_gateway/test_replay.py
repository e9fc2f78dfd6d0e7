"""Rejections are kept, counted and replayed after a fix, each event once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.keys import derive
from thalweg_gateway.replay import Replay, Replayed
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from thalweg_store.rejected import list_rejected
from worlds.gateway import ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge
from worlds.oracle import received_events, scan, stored_fates, stored_rollups

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
DEMANDING = DESIGN.replace(
    'value: "1"\n    unit: count\n    group_by', "value: attributes.seconds\n    unit: count\n    group_by"
)
ODD = Event(NOON_MS, "charging.session", 7, False, {"emsp": "volt-pass"})


@pytest.fixture
def replay(world: World) -> Replay:
    return Replay(world.database, ECOSYSTEM, ROOT_KEY)


def activate(world: World, document: str) -> None:
    Registry(world.database).activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))


def counts(world: World) -> dict[str, tuple[int, int]]:
    return {each.key.reason: (each.count, each.replayed) for each in list_rejected(world.database, ECOSYSTEM)}


def energy(world: World) -> int:
    statement = """
        select sum(quantity) from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter
        where m.name = 'energy'
    """
    return int(world.rows(statement)[0][0] or 0)


def test_messages_of_a_device_are_accepted_once_it_is_registered(world: World, replay: Replay) -> None:
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, "cp-02", 1).uplink, 1)
    for _ in range(7):
        writer.add(charge(10))
        world.source.put("tw1/ev-test/cp-02/e", writer.seal())
    world.pipeline.step()
    assert counts(world) == {"unknown_device": (7, 0)}
    assert replay.run() == Replayed(0, 0)
    assert counts(world) == {"unknown_device": (7, 0)}, "what is rejected again is not counted again"
    new = NewDevice(name="cp-02", operator="city-charge", roles={})
    Registry(world.database).ensure_devices(ECOSYSTEM, [new], BEGINNING)
    replay = Replay(world.database, ECOSYSTEM, ROOT_KEY)
    assert replay.run() == Replayed(5, 0), "five samples are kept; the device has the others"
    assert counts(world) == {"unknown_device": (2, 5)}
    assert energy(world) == 50
    assert replay.run() == Replayed(0, 0)
    assert energy(world) == 50


def test_events_that_no_meter_could_measure_are_booked_under_the_design_that_can(world: World, replay: Replay) -> None:
    activate(world, DEMANDING)
    world.send(world.batch(charge(1), ODD, charge(2)))
    world.pipeline.step()
    assert (energy(world), counts(world)) == (3, {"unmeasurable": (1, 0)})
    assert replay.run() == Replayed(0, 0)
    activate(world, DESIGN)
    assert replay.run(reason="clock_ahead") == Replayed(0, 0)
    assert replay.run(reason="unmeasurable") == Replayed(0, 1)
    assert (energy(world), counts(world)) == (10, {"unmeasurable": (0, 1)})
    assert stored_fates(world.database) == {"mapped": 3}
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]
    assert replay.run() == Replayed(0, 0)


def test_a_replayed_event_is_fed_to_the_meters_of_its_batch_that_no_design_has_any_more(
    world: World, replay: Replay
) -> None:
    activate(world, DEMANDING.replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 3\n    group_by"))
    world.send(world.batch(charge(1), ODD))
    world.pipeline.step()
    activate(world, DESIGN)
    assert replay.run() == Replayed(0, 1)
    assert energy(world) == 1 + 7 + 7, "the present energy meter measured both, the former one the larger"
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


def test_a_conflict_is_booked_only_by_name_and_only_where_no_other_batch_is_known(world: World) -> None:
    world.send(world.batch(charge(1000)))
    world.pipeline.step()
    other = BatchWriter(world.keys.uplink, 7)
    other.add(charge(9999))
    other.add(charge(8888))
    world.send(other.seal())
    world.pipeline.step()
    replay = Replay(world.database, ECOSYSTEM, ROOT_KEY)
    assert replay.run() == Replayed(0, 0)
    row = next(each for each in list_rejected(world.database, ECOSYSTEM))
    assert replay.run(rejection=row.id) == Replayed(0, 1)
    assert energy(world) == 1000 + 8888
    assert counts(world) == {"conflict": (0, 1)}
    assert replay.run(reason="conflict") == Replayed(0, 0)
    assert sum(stored_fates(world.database).values()) == received_events(world.database) == 2


def test_an_undecodable_batch_is_booked_once_its_format_is_understood(
    world: World, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = BatchWriter(world.keys.uplink, 7)
    writer.add(charge(3))
    sound = writer._definitions[0]
    writer._definitions[0] = 0x7F << 1 & 0xFE  # a string longer than the section
    payload = writer.seal()
    world.send(payload)
    world.pipeline.step()
    assert replay.run() == Replayed(0, 0)
    assert stored_fates(world.database) == {"undecodable": 1}
    broken = bytes([0x7F << 1 & 0xFE])
    position = len(payload) - 32 - len(payload[payload.index(broken, 23) : -32])
    repaired = payload[:position] + bytes([sound]) + payload[position + 1 :]
    decode = __import__("thalweg.wire.batch", fromlist=["decode"]).decode
    monkeypatch.setattr(
        "thalweg_gateway.intake.wire.decode", lambda given: decode(repaired if given == payload else given)
    )
    assert replay.run() == Replayed(0, 1)
    assert (energy(world), counts(world)) == (3, {"undecodable": (0, 1)})
    assert stored_fates(world.database) == {"mapped": 1}
    assert world.rows("select outcome, refused from batch") == [("booked", None)]


def test_events_of_a_clock_that_was_ahead_are_booked_only_on_request_at_the_receipt_and_marked_as_estimates(
    world: World, replay: Replay
) -> None:
    ahead_ms = int(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    world.send(world.batch(charge(1, ahead_ms), charge(10, ahead_ms + 20_000)))
    world.pipeline.step()
    assert counts(world) == {"clock_ahead": (2, 0)}
    assert replay.run() == replay.run(reason="clock_ahead") == Replayed(0, 0), "later time mends no clock"
    assert replay.run(reason="unmeasurable", estimate_times=True) == Replayed(0, 0)
    assert replay.run(reason="clock_ahead", estimate_times=True) == Replayed(0, 2)
    assert (energy(world), counts(world)) == (11, {"clock_ahead": (0, 2)})
    first, last = timedelta(seconds=20), timedelta(0)
    milliseconds = timedelta(milliseconds=2)
    ((received_at, first_at, last_at, offset_ms),) = world.rows(
        "select received_at, first_at, last_at, offset_ms from batch"
    )
    assert abs(received_at - first_at - first) < milliseconds, "the distances of its events stay"
    assert abs(received_at - last_at - last) < milliseconds
    assert -3_630_000 < offset_ms < -3_600_000
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]
    assert sum(stored_fates(world.database).values()) == received_events(world.database) == 2
    assert replay.run(estimate_times=True) == Replayed(0, 0)


def test_a_batch_that_is_booked_in_part_by_its_own_clock_gets_no_other(world: World, replay: Replay) -> None:
    ahead_ms = int(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    world.send(world.batch(charge(1), charge(10, ahead_ms)))
    world.pipeline.step()
    assert replay.run(estimate_times=True) == Replayed(0, 0)
    assert (energy(world), counts(world)) == (1, {"clock_ahead": (1, 0)})
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


def test_senders_beyond_a_number_are_counted_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thalweg_store.rejections.PRINCIPALS", 3)
    for number in range(10):
        world.source.put(f"tw1/ev-test/stranger-{number}/e", b"\x01")
    world.pipeline.step()
    principals = {each.key.principal: each.count for each in list_rejected(world.database, ECOSYSTEM)}
    assert sum(principals.values()) == 10
    assert len(principals) == 4
    assert principals["_others"] == 7
