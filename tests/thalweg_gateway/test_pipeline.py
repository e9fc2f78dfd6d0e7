from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from thalweg.errors import UnknownEcosystem
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.keys import derive
from thalweg_gateway.pipeline import Pipeline
from thalweg_store.reading import reading
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.gateway import ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge, make_pipeline, occupancy

pytestmark = pytest.mark.slow

ROLLUPS = (
    'select m.name, f."group", r.quantity, r.occurrences '
    "from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter order by 1, 2"
)
FATES = "select kind, outcome, events from tally order by 1, 2"
REJECTIONS = "select principal, reason, count from rejection order by 2"


def test_a_batch_becomes_rollups_a_receipt_and_an_acknowledgement(world: World) -> None:
    world.send(world.batch(occupancy(), charge(6706)))
    world.pipeline.step()
    assert world.rows(ROLLUPS) == [
        ("energy", ["volt-pass"], 6706, 1),
        ("occupancy", [], 1, 1),
        ("sessions", ["volt-pass"], 1, 1),
    ]
    assert world.rows(FATES) == [("charging.session", "mapped", 1), ("occupancy", "mapped", 1)]
    assert len(world.source.committed) == 1
    receipt = world.receipts()[-1]
    assert (receipt["boot"], receipt["next"], receipt["beyond"]) == (7, 2, [])
    assert receipt["epoch"] == world.database.store_epoch()


def test_a_resend_changes_nothing_but_is_acknowledged_and_receipted(world: World) -> None:
    payload = world.batch(charge(1000))
    for _ in range(3):
        world.send(payload)
    world.pipeline.step()
    world.send(payload)
    world.pipeline.step()
    assert world.rows(ROLLUPS)[0] == ("energy", ["volt-pass"], 1000, 1)
    assert world.rows("select duplicates from boot") == [(3,)]
    assert len(world.source.committed) == 4
    assert world.receipts()[-1]["next"] == 1


def test_another_batch_for_the_same_seqs_is_quarantined_whole(world: World) -> None:
    world.send(world.batch(charge(1000)))
    world.pipeline.step()
    impostor = BatchWriter(world.keys.uplink, 7)
    impostor.add(charge(9999))
    impostor.add(charge(8888))
    world.send(impostor.seal())
    world.pipeline.step()
    assert world.rows(ROLLUPS)[0] == ("energy", ["volt-pass"], 1000, 1)
    assert world.rows(REJECTIONS) == [("cp-01", "conflict", 1)]
    assert world.rows("select outcome from batch order by id") == [("booked",), ("conflict",)]
    world.step_until(lambda: world.receipts()[-1]["next"] == 2)  # so that the device can free it
    assert world.rows(FATES) == [("", "rejected", 1), ("charging.session", "mapped", 1)]


def test_batches_out_of_order_leave_a_gap_until_the_missing_one_comes(world: World) -> None:
    first, second, third = (world.batch(charge(number)) for number in (1, 2, 3))
    world.send(first)
    world.send(third)
    world.pipeline.step()
    world.step_until(lambda: (world.receipts()[-1]["next"], world.receipts()[-1]["beyond"]) == (1, [[2, 3]]))
    with reading(world.database, ECOSYSTEM) as facts:
        assert (facts.completeness().numbered, facts.completeness().received) == (3, 2)
    world.send(second)
    world.pipeline.step()
    with reading(world.database, ECOSYSTEM) as facts:
        assert (facts.completeness().numbered, facts.completeness().received) == (3, 3)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("tw1/ev-test/cp-99/e", "unknown_device"),
        ("tw1/ev-test/cp-01/a", "malformed"),
        ("tw1/ev-test/cp-01", "malformed"),
    ],
)
def test_what_does_not_come_from_a_registered_device_is_a_rejection(world: World, topic: str, reason: str) -> None:
    world.source.put(topic, world.batch(charge()))
    world.pipeline.step()
    assert [row[1:] for row in world.rows(REJECTIONS)] == [(reason, 1)]
    assert world.rows(ROLLUPS) == []
    assert world.receipts() == []
    assert len(world.source.committed) == 1, "poison must not block the queue"


def test_a_flipped_byte_anywhere_is_a_rejection_that_advances_nothing(world: World) -> None:
    payload = world.batch(occupancy(), charge())
    for position in range(len(payload)):
        flipped = bytearray(payload)
        flipped[position] ^= 0x01
        world.send(bytes(flipped))
    world.pipeline.step()
    counts = {reason: count for _, reason, count in world.rows(REJECTIONS)}
    assert sum(counts.values()) == len(payload)
    assert set(counts) == {"bad_signature", "malformed", "unknown_key_version", "unknown_version"}
    assert counts["unknown_version"] == counts["unknown_key_version"] == 1
    assert world.rows("select * from boot") == []
    assert world.receipts() == []
    samples = world.rows("select count(*) from rejection_sample")[0][0]
    assert samples == 2 + min(5, counts["bad_signature"]) + min(5, counts["malformed"])


def test_an_authentic_batch_whose_inside_is_malformed_is_kept_receipted_and_reported(world: World) -> None:
    writer = BatchWriter(world.keys.uplink, 7)
    writer.add(charge())
    writer._definitions[0] = 0x7F << 1 & 0xFE  # a string longer than the section
    world.send(writer.seal())
    world.pipeline.step()
    assert world.rows(REJECTIONS) == [("cp-01", "undecodable", 1)]
    assert world.rows("select outcome from batch") == [("undecodable",)]
    assert world.receipts()[-1]["next"] == 1


def test_one_bad_event_does_not_take_its_batch_with_it(world: World) -> None:
    ahead_ms = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
    world.send(
        world.batch(
            charge(1),
            charge(2, at_ms=ahead_ms),
            Event(NOON_MS, "bad kind!", 3),
            Event(NOON_MS, "charging.session", 4, False, {"emsp": "nul\x00byte"}),
            Event(NOON_MS, "water", 5),
        )
    )
    world.pipeline.step()
    assert world.rows(REJECTIONS) == [("cp-01", "bad_name", 2), ("cp-01", "clock_ahead", 1)]
    assert world.rows(FATES) == [("", "rejected", 3), ("charging.session", "mapped", 1), ("water", "unmapped", 1)]
    assert world.rows(ROLLUPS)[0] == ("energy", ["volt-pass"], 1, 1)


def test_batches_without_a_clock_are_parked_not_booked(world: World) -> None:
    world.send(world.batch(charge(at_ms=5_000), time_quality=0))
    world.pipeline.step()
    assert world.rows(ROLLUPS) == []
    assert world.rows(FATES) == [("", "parked", 1)]
    assert world.rows("select outcome from batch") == [("parked",)]
    assert world.receipts()[-1]["next"] == 1


def test_a_birth_is_receipted_and_says_what_the_boot_before_it_numbered(world: World) -> None:
    world.send(world.batch(charge(1), boot=7))
    world.send_state(state="on", boot=8, next=0, prev={"boot": 7, "next": 3}, fw="0.1.0", hw="unix")
    world.pipeline.step()
    with reading(world.database, ECOSYSTEM) as facts:
        assert (facts.completeness().numbered, facts.completeness().received) == (3, 1)
        device = facts.devices(datetime.now(UTC))[0]
    assert device.is_on
    assert {receipt["boot"]: receipt["next"] for receipt in world.receipts()} == {7: 1, 8: 0}
    world.send_state(state="off", boot=8, next=0)
    world.pipeline.step()
    with reading(world.database, ECOSYSTEM) as facts:
        assert not facts.devices(datetime.now(UTC))[0].is_on


def test_what_was_taken_before_a_crash_is_booked_once_after_it(world: World) -> None:
    world.send(world.batch(charge(1000)))
    world.source.take(10, 0)  # a gateway took it and died before its commit
    world.source.lose_connection()
    reborn = make_pipeline(world.source, world.database)
    reborn.step()
    world.source.waiting = list(world.source.committed)  # and once more, as if it had died after its commit
    reborn.step()
    assert world.rows(ROLLUPS)[0] == ("energy", ["volt-pass"], 1000, 1)


def test_a_device_registered_while_the_gateway_runs_is_served_at_once(world: World) -> None:
    world.send(world.batch(charge()))
    world.pipeline.step()
    new = NewDevice(name="cp-02", operator="city-charge", roles={"host": "mall-42"})
    Registry(world.database).ensure_devices(ECOSYSTEM, [new], BEGINNING)
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, "cp-02", 1).uplink, 1)
    writer.add(charge(5))
    world.source.put("tw1/ev-test/cp-02/e", writer.seal())
    world.pipeline.step()
    assert world.rows(REJECTIONS) == []
    assert world.rows(
        "select sum(quantity) from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter "
        "where m.name = 'energy'"
    ) == [(10_005,)]


def test_an_unknown_ecosystem_stops_the_gateway_with_its_name(world: World) -> None:
    with pytest.raises(UnknownEcosystem, match="nowhere"):
        Pipeline(world.source, world.database, "nowhere", ROOT_KEY, "gateway-1").run()


def test_two_gateways_that_get_the_same_batches_at_once_book_them_once(world: World) -> None:
    payloads = [world.batch(charge(1), boot=boot) for boot in range(40)]
    sources = []
    for instance in ("gateway-a", "gateway-b"):
        source = type(world.source)()
        for payload in payloads:
            source.put(world.topic, payload)
        sources.append((source, make_pipeline(source, world.database, instance)))
    threads = [threading.Thread(target=pipeline.step) for _, pipeline in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.rows(ROLLUPS)[0] == ("energy", ["volt-pass"], 40, 40)
    assert [len(source.committed) for source, _ in sources] == [40, 40]
