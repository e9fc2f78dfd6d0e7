"""Batches in JSON rows go the way of packed ones, alone and beside them, through everything that reads them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire import forms, json_batch
from thalweg.wire.batch import Batch, BatchWriter, Event
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.text import sign
from thalweg_gateway.commit import Committer
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.parking_end import PARKING, expire_parking
from thalweg_gateway.replay import Replay, Replayed
from thalweg_store.database import Database
from thalweg_store.registry import Registry
from thalweg_store.rejected import list_rejected, samples_of
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge, make_world, occupancy
from worlds.oracle import received_events, scan, stored_fates, stored_rollups

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
LARGE_ONLY = DESIGN.replace("unit: Wh\n", "unit: Wh\n    where: quantity > 100\n")
BY_SECONDS = DESIGN.replace('value: "1"\n    unit: count\n', "value: attributes.seconds\n    unit: count\n", 1)
UPTIME_MS = 3_600_000


@pytest.fixture
def world(database: Database) -> World:
    made = make_world(database)
    made.writer = JsonBatchWriter
    return made


@pytest.fixture
def replay(world: World) -> Replay:
    return Replay(world.database, ECOSYSTEM, ROOT_KEY)


def activate(world: World, document: str) -> None:
    Registry(world.database).activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))


def energy(world: World, host: str | None = None) -> int:
    """Wh that the meters of this name measured, at one host or all."""
    meters = {digest for (digest,) in world.rows("select hash from meter where name = 'energy'")}
    hosts = dict(world.rows("select id, roles ->> 'host' from assignment"))
    return sum(
        quantity
        for (meter, _, assignment, _), (quantity, _) in stored_rollups(world.database).items()
        if meter in meters and host in (None, hosts[assignment])
    )


def is_exact(world: World) -> bool:
    rollups, fates = scan(world.database, ECOSYSTEM)
    stored = stored_fates(world.database)
    return (
        stored_rollups(world.database) == rollups
        and {fate: stored.get(fate, 0) for fate in fates} == fates
        and sum(stored.values()) == received_events(world.database)
    )


def test_a_batch_is_booked_once_and_kept_as_it_came(world: World) -> None:
    payload = world.batch(charge(10), occupancy())
    for _ in range(2):
        world.send(payload)
        world.pipeline.step()
    assert world.rows("select payload, outcome, count from batch") == [(payload, "booked", 2)]
    assert (energy(world), stored_fates(world.database)) == (10, {"mapped": 2})
    assert [receipt["next"] for receipt in world.receipts()] == [2]
    assert world.rows("select * from rejection") == []


def test_both_forms_come_to_the_same_in_one_transaction(world: World) -> None:
    events = [charge(wh, NOON_MS + wh, emsp) for wh, emsp in ((1, "a"), (20, "b"), (300, "a"))]
    for boot, writer in enumerate([BatchWriter, JsonBatchWriter] * 3):
        world.writer = writer
        world.send(world.batch(*events, occupancy(), boot=boot))
        world.send(world.batch(*events[:boot], Event(NOON_MS, "größe", 1), occupancy(), boot=10 + boot))
    world.pipeline.step()
    assert world.rows("select count(*)::int, count(distinct xmin::text)::int from batch") == [(12, 1)]
    assert is_exact(world)
    sums = world.rows("""
        select get_byte(substring(payload from 1 for 1), 0), sum(count)::int, min(first_at), max(last_at) from batch
        where boot < 10 group by 1 order by 1
    """)
    assert [each[0] for each in sums] == [1, ord("{")]
    assert sums[0][1:] == sums[1][1:]


def test_a_boot_may_go_on_in_the_other_form(world: World) -> None:
    world.send(world.batch(charge(1)))
    rest = BatchWriter(world.keys.uplink, 7, first_seq=1)
    rest.add(charge(2))
    world.send(rest.seal())
    world.pipeline.step()
    assert [receipt["next"] for receipt in world.receipts()] == [2]
    assert world.rows("select * from rejection") == []


@pytest.mark.parametrize("channel", ["e", "s"])
def test_a_batch_on_the_channel_of_another_form_is_refused(world: World, channel: str) -> None:
    world.source.put(f"tw1/{ECOSYSTEM}/{DEVICE}/{channel}", world.batch(charge(1)))
    packed = BatchWriter(world.keys.uplink, 7)
    packed.add(charge(1))
    world.source.put(f"tw1/{ECOSYSTEM}/{DEVICE}/ej", packed.seal())
    world.pipeline.step()
    assert world.rows("select sum(count)::int from rejection") == [(2,)]
    assert world.rows("select * from batch") == []
    assert world.receipts() == []


def test_a_forged_batch_advances_nothing(world: World) -> None:
    world.send(world.batch(charge(1)).replace(b'"boot":7', b'"boot":8'))
    world.pipeline.step()
    assert world.rows("select reason, count from rejection") == [("bad_signature", 1)]
    assert world.receipts() == []


def test_an_authentic_batch_that_is_wrong_inside_is_kept_receipted_and_booked_once_it_is_understood(
    world: World, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = world.batch(charge(3), charge(4))
    broken = sign("ej", sound[:-33].replace(b",3,{", b",3.0,{"), world.keys.uplink)
    assert broken[:-33] != sound[:-33]
    world.send(world.batch(charge(5), boot=8))
    world.send(broken)
    world.pipeline.step()
    assert stored_fates(world.database) == {"mapped": 1, "undecodable": 2}
    assert {receipt["boot"]: receipt["next"] for receipt in world.receipts()} == {7: 2, 8: 1}
    [row] = list_rejected(world.database, ECOSYSTEM)
    [sample] = samples_of(world.database, row.id)
    assert (row.key.reason, row.detail) == ("undecodable", "row 0: the quantity is no integer of 64 bits: 3.0")
    assert (sample.topic, sample.payload) == (f"tw1/{ECOSYSTEM}/{DEVICE}/ej", broken)
    assert replay.run() == Replayed(0, 0)
    assert is_exact(world)

    def understanding(given: bytes) -> Batch:
        return json_batch.decode(sound if given == broken else given)

    monkeypatch.setattr("thalweg_gateway.intake.wire.decode", understanding)
    assert replay.run() == Replayed(0, 2)
    assert (energy(world), stored_fates(world.database)) == (12, {"mapped": 3})


def test_refused_events_are_booked_under_a_design_that_can_measure_them(world: World, replay: Replay) -> None:
    activate(world, BY_SECONDS)
    world.send(world.batch(charge(1), charge(7, seconds="none"), charge(2)))
    world.pipeline.step()
    assert energy(world) == 3
    activate(world, DESIGN)
    assert replay.run() == Replayed(0, 1)
    assert energy(world) == 10
    assert is_exact(world)


def test_a_new_meter_is_fed_from_the_batches_before(world: World) -> None:
    for boot, writer in enumerate([JsonBatchWriter, BatchWriter]):
        world.writer = writer
        world.send(world.batch(charge(500), charge(50), occupancy(), boot=boot))
    world.pipeline.step()
    activate(world, LARGE_ONLY)
    assert energy(world) == 1100 + 1000, "the meter before measured all, the one in force the large ones"
    assert is_exact(world)


def test_a_back_dated_assignment_takes_over_what_was_measured_from_its_instant_on(world: World) -> None:
    registry = Registry(world.database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    for minute in range(0, 60, 10):
        world.send(world.batch(charge(1 + minute, NOON_MS + 60_000 * minute)))
    world.pipeline.step()
    start = datetime.fromtimestamp(NOON_MS / 1000, UTC) + timedelta(minutes=25)
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, start, datetime.now(UTC))
    assert energy(world, "library") == 31 + 41 + 51
    assert is_exact(world)


def test_batches_without_a_clock_wait_for_the_birth_that_brings_it(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), charge(6, at_ms=120_000), time_quality=0))
    world.pipeline.step()
    assert stored_fates(world.database) == {"parked": 2}
    world.send_state(state="on", boot=7, next=2, up=UPTIME_MS, now=NOON_MS, q=1)
    world.pipeline.step()
    offset_ms = NOON_MS - UPTIME_MS
    first, last = (datetime.fromtimestamp((offset_ms + at_ms) / 1000, UTC) for at_ms in (60_000, 120_000))
    assert world.rows("select first_at, last_at, outcome from batch") == [(first, last, "booked")]
    assert is_exact(world)


def test_a_clock_that_never_comes_is_not_waited_for_longer_than_a_day(world: World) -> None:
    world.send(world.batch(charge(5, at_ms=60_000), time_quality=0))
    world.pipeline.step()
    committer = Committer(world.database, ECOSYSTEM, KeyRing(ROOT_KEY, ECOSYSTEM), "gateway-2")
    assert expire_parking(world.database, committer, "gateway-2", datetime.now(UTC) + PARKING) == 1
    assert stored_fates(world.database) == {"mapped": 1}
    assert is_exact(world)


def test_what_a_compromised_key_signed_is_booked_once_it_is_released(world: World, replay: Replay) -> None:
    registry = Registry(world.database)
    registry.rotate_key(ECOSYSTEM, DEVICE)
    registry.compromise_key(ECOSYSTEM, DEVICE, 1, datetime.now(UTC))
    payload = world.batch(charge(1))
    world.send(payload)
    world.pipeline.step()
    assert (world.rows("select payload from quarantine"), world.receipts()) == ([(payload,)], [])
    assert replay.release(DEVICE, 1) == 1
    assert (energy(world), forms.decode(payload).events[0].quantity) == (1, 1)
