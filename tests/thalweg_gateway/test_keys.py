"""Key versions: rotation, compromise and revocation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg.wire.text import open_sealed, seal
from thalweg.wire.topics import Channel, parse
from thalweg_gateway.metrics import GatewayMetrics
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.replay import Replay, Replayed
from thalweg_store import quarantine
from thalweg_store.registry import Registry
from worlds.gateway import DEVICE, ECOSYSTEM, ROOT_KEY, World, charge

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(world: World) -> Registry:
    return Registry(world.database)


def receipts(world: World, key_version: int) -> list[dict]:
    """Those that a device with the keys of a version can read; raises when it cannot."""
    key = derive(ROOT_KEY, ECOSYSTEM, DEVICE, key_version).downlink
    published = [payload for topic, payload in world.source.published if parse(topic).channel is Channel.RECEIPT]
    return [open_sealed(Channel.RECEIPT, payload, key) for payload in published]


def energy(world: World) -> int:
    statement = """
        select sum(quantity) from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter
        where m.name = 'energy'
    """
    return int(world.rows(statement)[0][0] or 0)


def test_after_a_rotation_what_was_sealed_before_is_accepted_and_answered_with_the_keys_of_the_birth(
    world: World, registry: Registry
) -> None:
    old = world.batch(charge(1))
    assert registry.rotate_key(ECOSYSTEM, DEVICE) == 2
    world.send_state(state="on", boot=7, next=1)  # the device still holds version 1
    world.send(old)
    world.pipeline.step()
    assert receipts(world, 1)[-1]["next"] == 1
    world.source.published.clear()
    new_keys = derive(ROOT_KEY, ECOSYSTEM, DEVICE, 2)
    world.source.put(world.state_topic, seal(Channel.STATE, {"state": "on", "boot": 8, "next": 0}, new_keys.uplink))
    world.send(world.batch(charge(2)))  # sealed with version 1, sent by a device that holds version 2 now
    world.step_until(lambda: len(world.source.published) == 2)
    assert {each["boot"]: each["next"] for each in receipts(world, 2)} == {7: 2, 8: 0}
    assert energy(world) == 3
    assert world.rows("select * from rejection") == []


def test_what_a_compromised_key_signed_waits_for_the_operator_births_included(world: World, registry: Registry) -> None:
    kept = world.batch(charge(1))
    world.send(kept)
    world.pipeline.step()
    registry.rotate_key(ECOSYSTEM, DEVICE)
    registry.compromise_key(ECOSYSTEM, DEVICE, 1, datetime.now(UTC) - timedelta(days=1))
    world.step_until(lambda: bool(world.source.published))
    world.source.published.clear()
    late = world.batch(charge(10))
    for _ in range(2):
        world.send(late)
        world.send_state(state="on", boot=9, next=0)
    world.pipeline.step()
    assert energy(world) == 1
    assert world.rows("select count(*) from quarantine") == [(2,)]
    assert world.rows("select count(*) from device_state") == [(0,)]
    assert world.source.published == [], "what is not trusted is not receipted"
    world.send(kept)
    world.step_until(lambda: bool(world.source.published))  # its very bytes were received before: tell the device so
    assert world.rows("select count(*) from quarantine") == [(2,)]
    replay = Replay(world.database, ECOSYSTEM, ROOT_KEY)
    assert replay.release(DEVICE, 1) == 2
    assert energy(world) == 11
    assert world.rows("select boot, is_on from device_state") == [(9, True)]
    assert replay.release(DEVICE, 1) == 0
    assert energy(world) == 11


def test_what_finds_no_room_in_quarantine_is_counted_and_comes_in_once_there_is(
    world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_MESSAGES", 2)
    metrics = GatewayMetrics(ECOSYSTEM, "gateway-1")
    pipeline = Pipeline(world.source, world.database, ECOSYSTEM, ROOT_KEY, "gateway-1", metrics)
    registry.rotate_key(ECOSYSTEM, DEVICE)
    registry.compromise_key(ECOSYSTEM, DEVICE, 1, datetime.now(UTC) - timedelta(days=1))
    payloads = [world.batch(charge(10**number)) for number in range(4)]
    for payload in [*payloads, payloads[0]]:
        world.send(payload)
    pipeline.step()
    rejected = "select principal, reason, count from rejection"
    assert world.rows("select count(*) from quarantine") == [(2,)]
    assert world.rows(rejected) == [(DEVICE, "quarantine_full", 2)], "what is kept already needs no room"
    refused = metrics.registry.get_sample_value
    assert refused("thalweg_gateway_rejections_total", {"reason": "quarantine_full"}) == 2
    replay = Replay(world.database, ECOSYSTEM, ROOT_KEY)
    assert replay.run() == replay.run(reason="quarantine_full") == Replayed()
    assert replay.release(DEVICE, 1) == 2
    assert energy(world) == 11
    for payload in payloads:  # no receipt covers the last two
        world.send(payload)
    pipeline.step()
    assert world.rows("select count(*) from quarantine") == [(2,)]
    assert replay.release(DEVICE, 1) == 2
    assert energy(world) == 1111
    assert world.rows(rejected) == [(DEVICE, "quarantine_full", 2)]


def test_a_new_key_is_trusted_while_the_old_one_is_not(world: World, registry: Registry) -> None:
    registry.rotate_key(ECOSYSTEM, DEVICE)
    registry.compromise_key(ECOSYSTEM, DEVICE, 1, datetime.now(UTC) - timedelta(days=1))
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, DEVICE, 2).uplink, 11, key_version=2)
    writer.add(charge(4))
    world.send(writer.seal())
    world.pipeline.step()
    assert energy(world) == 4
    assert receipts(world, 2)[-1]["next"] == 1


def test_a_key_compromised_from_later_on_is_trusted_until_then(world: World, registry: Registry) -> None:
    registry.compromise_key(ECOSYSTEM, DEVICE, 1, datetime.now(UTC) + timedelta(hours=1))
    world.send(world.batch(charge(4)))
    world.pipeline.step()
    assert energy(world) == 4


def test_a_revoked_device_is_refused_from_the_next_transaction_on(world: World, registry: Registry) -> None:
    world.send(world.batch(charge(1)))
    world.pipeline.step()
    registry.deactivate(ECOSYSTEM, DEVICE)
    world.send(world.batch(charge(2)))
    world.pipeline.step()
    assert energy(world) == 1
    assert world.rows("select principal, reason, count from rejection") == [(DEVICE, "revoked_device", 1)]
