"""The real pipeline on a real database, with what it reports read from the counters."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from thalweg.errors import StoreError, StoreUnavailable
from thalweg.wire.batch import BatchWriter
from thalweg_gateway.health import Health
from thalweg_gateway.metrics import GatewayMetrics
from thalweg_gateway.observability import Several
from thalweg_gateway.pipeline import Pipeline
from thalweg_store.database import Database
from thalweg_store.logs import JsonLines
from worlds.gateway import DEVICE, ECOSYSTEM, ROOT_KEY, World, charge

pytestmark = pytest.mark.slow


class Observed:
    """A world whose pipeline is observed."""

    def __init__(self, world: World, database: Database | None = None) -> None:
        self.world = world
        self.metrics = GatewayMetrics(ECOSYSTEM, "gateway-1")
        self.health = Health(lambda: world.source.is_ready, lambda: None)
        observer = Several(self.metrics, self.health)
        self.pipeline = Pipeline(
            world.source, database or world.database, ECOSYSTEM, ROOT_KEY, "gateway-1", observer
        )  # fmt: skip

    def read(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"thalweg_gateway_{name}", labels)


@pytest.fixture
def observed(world: World) -> Observed:
    return Observed(world)


def test_every_message_is_accounted_for_by_what_became_of_it(observed: Observed) -> None:
    world = observed.world
    first = world.batch(charge(1), charge(2))
    impostor = BatchWriter(world.keys.uplink, 7)
    for wh in (7, 8, 9):
        impostor.add(charge(wh))
    world.send(first)
    world.send(first)
    world.send(impostor.seal())
    world.send(world.batch(charge(3), boot=8, time_quality=0))
    world.send(first[:-1] + bytes([first[-1] ^ 1]))
    world.source.put("tw1/ev-test/cp-99/e", first)
    observed.pipeline.step()
    batches = {
        outcome: (observed.read("batches_total", outcome=outcome), observed.read("events_total", outcome=outcome))
        for outcome in ("booked", "duplicate", "conflict", "parked")
    }
    assert batches == {"booked": (1, 2), "duplicate": (1, 2), "conflict": (1, 3), "parked": (1, 1)}
    for reason in ("bad_signature", "unknown_device", "conflict"):
        assert observed.read("rejections_total", reason=reason) == 1
    assert (observed.read("messages_taken_total"), observed.read("messages_committed_total")) == (6, 6)
    assert (observed.read("commit_seconds_count"), observed.read("commit_messages_sum")) == (1, 6)


def test_receipts_and_the_directory_are_told(observed: Observed) -> None:
    observed.world.send(observed.world.batch(charge(1)))
    observed.pipeline.step()
    assert (observed.read("receipts_sent_total"), observed.read("receipts_owed")) == (1, 0)
    observed.world.send(observed.world.batch(charge(2)))
    observed.pipeline.step()
    assert observed.read("receipts_owed") == 1, "a device has at most five receipts a second"
    assert observed.read("devices") == 1
    assert [(observed.read("directory_version"),)] == observed.world.rows("select directory_version from ecosystem")
    assert observed.health.ready().is_good


def test_an_idle_pipeline_is_ready_and_counts_nothing(observed: Observed) -> None:
    observed.pipeline.step()
    assert observed.health.ready().is_good
    assert observed.read("messages_taken_total") == 0
    assert observed.read("commit_seconds_count") == 0


class FragileDatabase(Database):
    """One that refuses the next `failures` transactions, by default since it is away."""

    failures = 0
    error: StoreError = StoreUnavailable("the database is away: gone fishing")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self.failures:
            self.failures -= 1
            raise self.error
        with super().transaction() as connection:
            yield connection


@pytest.fixture
def fragile(database_url: str) -> Iterator[FragileDatabase]:
    database = FragileDatabase(database_url)
    yield database
    database.close()


def test_a_message_that_the_store_refuses_is_a_rejection(world: World, fragile: FragileDatabase) -> None:
    observed = Observed(world, fragile)
    world.send(world.batch(charge(1)))
    observed.pipeline.step()
    world.send(world.batch(charge(2)))
    fragile.failures, fragile.error = 1, StoreError("the database refused: it dislikes the number 2")
    observed.pipeline.step()
    assert observed.read("rejections_total", reason="refused_by_store") == 1
    assert observed.read("batches_total", outcome="booked") == 1
    assert observed.read("messages_committed_total") == 2
    assert observed.read("commit_seconds_count") == 1
    assert observed.health.ready().is_good


def test_the_time_without_a_database_is_told_while_it_lasts_and_summed_after(
    world: World, fragile: FragileDatabase
) -> None:
    observed = Observed(world, fragile)
    world.send(world.batch(charge(1)))
    fragile.failures = 2
    verdicts: list[str] = []
    pause = world.source.pause
    world.source.pause = lambda: (verdicts.append(observed.health.ready().checks["database"]), pause())[1]  # type: ignore[method-assign]
    observed.pipeline.step()
    assert verdicts == ["the database is away: gone fishing"] * 2
    assert observed.read("database_failures_total") == 2
    assert observed.read("database_unavailable") == 0
    paused = observed.read("paused_seconds_total")
    assert paused is not None
    assert paused >= 0.1 + 0.2, "it waits so long before the second and the third try"
    assert observed.read("batches_total", outcome="booked") == 1
    assert observed.health.ready().is_good


def test_a_rejection_is_logged_with_its_device_and_batch(
    observed: Observed, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    payload = observed.world.batch(charge(1), boot=77)
    observed.world.send(payload[:-1] + bytes([payload[-1] ^ 1]))
    with caplog.at_level(logging.WARNING):
        observed.pipeline.step()
    (line,) = [json.loads(JsonLines("gateway-1").format(each)) for each in caplog.records if "rejected" in each.msg]
    assert (line["device"], line["batch"]) == (DEVICE, {"boot": 77, "first_seq": 0, "count": 1})
