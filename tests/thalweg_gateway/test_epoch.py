"""A restored backup is another life of the store: running gateways notice and tell devices."""

from __future__ import annotations

from typing import Any

import pytest

from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, device_topic
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.gateway import DEVICE, ECOSYSTEM, ROOT_KEY, MemorySource, World, charge, make_pipeline

pytestmark = pytest.mark.slow


def epochs(world: World) -> list[str]:
    return [receipt["epoch"] for receipt in world.receipts()]


def test_a_new_epoch_is_in_the_next_receipt_of_a_running_gateway(world: World) -> None:
    world.send(world.batch(charge(1)))
    world.step_until(lambda: len(epochs(world)) == 1)
    epoch = world.database.begin_epoch()
    world.send(world.batch(charge(2)))
    world.step_until(lambda: len(epochs(world)) == 2)
    assert epochs(world)[0] != epochs(world)[1] == epoch == world.database.store_epoch()


def test_a_device_with_nothing_to_send_is_told_of_a_new_epoch_too(world: World) -> None:
    Registry(world.database).ensure_devices(
        ECOSYSTEM, [NewDevice(name="cp-02", operator="city-charge", roles={"host": "mall-42"})], BEGINNING
    )
    silent = derive(ROOT_KEY, ECOSYSTEM, "cp-02", 1)
    batch = BatchWriter(silent.uplink, 3)
    batch.add(charge(5))
    world.source.put(device_topic(ECOSYSTEM, "cp-02", Channel.EVENTS), batch.seal())

    def told(device: str) -> list[bytes]:
        topic = device_topic(ECOSYSTEM, device, Channel.RECEIPT)
        return [payload for to, payload in world.source.published if to == topic]

    world.step_until(lambda: len(told("cp-02")) == 1)
    epoch = world.database.begin_epoch()
    world.send(world.batch(charge(1)))
    world.step_until(lambda: len(told("cp-02")) == 2)
    receipt = open_sealed(Channel.RECEIPT, told("cp-02")[-1], silent.downlink)
    assert (receipt["epoch"], receipt["boot"], receipt["next"]) == (epoch, 3, 1)
    before = len(told(DEVICE))
    world.send(world.batch(charge(2)))
    world.step_until(lambda: len(told(DEVICE)) > before)
    assert len(told("cp-02")) == 2


def test_a_gateway_that_starts_in_a_life_in_which_it_has_committed_nothing_tells_every_device(world: World) -> None:
    world.send(world.batch(charge(1)))
    world.step_until(lambda: len(epochs(world)) == 1)
    assert told_at_the_start(world) == []
    epoch = world.database.begin_epoch()
    assert [(receipt["epoch"], receipt["boot"], receipt["next"]) for receipt in told_at_the_start(world)] == [
        (epoch, 7, 1)
    ]


def told_at_the_start(world: World) -> list[dict[str, Any]]:
    """What a gateway that has just been started says before it has taken anything."""
    source = MemorySource()
    pipeline = make_pipeline(source, world.database)
    source.take = lambda *_: pipeline.stop() or []  # type: ignore[method-assign]
    pipeline.run()
    return [open_sealed(Channel.RECEIPT, payload, world.keys.downlink) for _, payload in source.published]


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_database_that_is_not_the_one_it_was_begins_an_epoch(world: World, part: int) -> None:
    before = world.database.store_epoch()
    parts = world.rows("select fingerprint from store_life order by began_at desc")[0][0].split("/")
    assert all(parts)
    parts[part] = "1"
    with world.database.transaction() as connection:
        connection.exec_driver_sql("update store_life set fingerprint = %(f)s", {"f": "/".join(parts)})
    after = world.database.store_epoch()
    assert after != before
    assert world.database.store_epoch() == after


def test_a_gateway_that_finds_fewer_commits_than_it_made_begins_an_epoch(world: World) -> None:
    """A copy of all files brought back: nothing inside the database tells."""
    lost = world.batch(charge(1))
    world.send(lost)
    world.step_until(lambda: len(epochs(world)) == 1)
    with world.database.transaction() as connection:
        connection.exec_driver_sql("truncate batch, boot, received, rollup, tally, gateway, pane")
    world.send(world.batch(charge(2)))
    world.step_until(lambda: len(epochs(world)) == 2)
    assert epochs(world)[0] != epochs(world)[1]
    assert (world.receipts()[-1]["next"], world.receipts()[-1]["beyond"]) == (0, [[1, 2]])
    world.send(lost)
    world.step_until(lambda: world.receipts()[-1]["next"] == 2)
