"""What is prepared ahead is worked on next, and nothing of it is lost when the present take fails."""

from __future__ import annotations

import pytest

from thalweg_gateway import pipeline as pipeline_module
from thalweg_gateway.pipeline import Pipeline
from thalweg_store.registry import Registry
from worlds.gateway import ECOSYSTEM, World, charge, make_pipeline

pytestmark = pytest.mark.slow


def _fill(world: World, messages: int) -> None:
    for _ in range(messages):
        world.send(world.batch(charge()))


def _booked(world: World) -> int:
    [[booked]] = world.rows("select coalesce(sum(count), 0) from batch")
    return int(booked)


def _small_takes(world: World, monkeypatch) -> Pipeline:
    monkeypatch.setattr(pipeline_module, "MAX_MESSAGES", 4)
    return make_pipeline(world.source, world.database, "gateway-2")


def test_messages_taken_ahead_are_booked_in_their_turn(world: World, monkeypatch):
    pipeline = _small_takes(world, monkeypatch)
    _fill(world, 11)
    pipeline.step()
    assert (_booked(world), len(world.source.committed), len(world.source.taken)) == (4, 4, 4), "four are ahead"
    pipeline.step()
    pipeline.step()
    assert (_booked(world), len(world.source.committed), len(world.source.taken)) == (11, 11, 0)


def test_what_was_prepared_for_an_older_registry_is_prepared_anew(world: World, monkeypatch):
    pipeline = _small_takes(world, monkeypatch)
    _fill(world, 8)
    pipeline.step()
    Registry(world.database).deactivate(ECOSYSTEM, "cp-01")
    pipeline.step()
    assert _booked(world) == 4
    assert world.rows("select reason, count from rejection") == [("revoked_device", 4)]
    assert len(world.source.committed) == 8


def test_a_gateway_that_stops_leaves_to_the_broker_what_it_took_ahead(world: World, monkeypatch):
    pipeline = _small_takes(world, monkeypatch)
    _fill(world, 8)
    pipeline.step()
    pipeline.stop()
    pipeline.run()
    assert len(world.source.committed) == 4
    world.source.lose_connection()
    world.pipeline.step()
    assert (_booked(world), len(world.source.committed)) == (8, 8)
