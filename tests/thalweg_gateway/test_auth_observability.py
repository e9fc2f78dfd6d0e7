"""What the process that lets devices in tells about itself."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from nats.aio.client import Client

from thalweg.errors import StoreUnavailable
from thalweg_gateway.auth_observability import AuthHealth, AuthMetrics, Outcome
from thalweg_gateway.auth_revocation import Revocation
from thalweg_gateway.health import STANDSTILL_SECONDS
from thalweg_gateway.status_server import StatusServer

THERE = {"callout": lambda: True, "system": lambda: True}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def away() -> None:
    raise StoreUnavailable("the database is away: gone fishing")


def test_it_is_ready_while_both_accounts_and_the_database_are_there() -> None:
    assert AuthHealth(THERE, lambda: None).ready().is_good
    one_lost = AuthHealth({**THERE, "system": lambda: False}, lambda: None).ready()
    assert not one_lost.is_good
    assert one_lost.checks["system"] == "not connected to the NATS server"
    assert AuthHealth(THERE, away).ready().checks["database"].endswith("gone fishing")


def test_it_lives_as_long_as_its_loop_turns_whatever_is_away() -> None:
    clock = Clock()
    health = AuthHealth({"callout": lambda: False}, away, clock)
    clock.now += STANDSTILL_SECONDS - 1
    assert health.alive().is_good
    health.turned()
    clock.now += STANDSTILL_SECONDS - 1
    assert health.alive().is_good
    clock.now += 1
    assert not health.alive().is_good


def test_a_look_for_revoked_devices_that_fails_is_counted() -> None:
    def revoked() -> frozenset[str]:
        away()
        raise AssertionError

    metrics = AuthMetrics("e", THERE)

    async def watch_once() -> None:
        watch = asyncio.create_task(Revocation(revoked, Client(), metrics).watch())
        while not metrics.registry.get_sample_value("thalweg_auth_revocation_failures_total"):
            await asyncio.sleep(0.01)
        watch.cancel()

    asyncio.run(asyncio.wait_for(watch_once(), 30))


@pytest.mark.slow
def test_both_are_served_by_http() -> None:
    metrics = AuthMetrics("ev", {**THERE, "system": lambda: False})
    metrics.answered(Outcome.LET_IN, 0.02)
    health = AuthHealth(THERE, away)
    with StatusServer("127.0.0.1:0", metrics.registry, health) as server:
        url = f"http://127.0.0.1:{server.port}"
        exposed = urllib.request.urlopen(f"{url}/metrics").read().decode()
        assert 'thalweg_auth_answers_total{outcome="let_in"} 1.0' in exposed
        assert 'thalweg_auth_connected{account="system"} 0.0' in exposed
        assert json.load(urllib.request.urlopen(f"{url}/healthz"))["alive"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/readyz")
        assert refused.value.code == 503
        assert not json.load(refused.value)["ready"]
