"""kill -9 of each server while devices publish: all recover by themselves, nothing is lost, nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from worlds.brokers import mosquitto
from worlds.demo import Demo, demo_check, open_folder
from worlds.session_files import energy_sum_wh, write_sessions

pytestmark = pytest.mark.slow
GATEWAY = "thalweg_gateway.main"
POSTGRES = "bin/postgres"
NATS = "nats-server"
SESSIONS = 4000


@contextmanager
def running(folder: Path, environment: dict[str, str] | None = None) -> Iterator[tuple[Demo, int]]:
    """A demonstration on a file of sessions, and the energy in it."""
    path = folder / "sessions.csv"
    write_sessions(path, count=SESSIONS, stations=8)
    _, energy_wh = energy_sum_wh(path)
    with demo_check(folder / "data", "--sessions", str(path), environment=environment) as demo:
        yield demo, energy_wh


def expect_nothing_lost_or_doubled(verdict: dict[str, Any], energy_wh: int) -> None:
    assert verdict["events_recorded"] == verdict["events_committed"] == 2 * SESSIONS
    assert (verdict["gaps"], verdict["conflicts"], verdict["rejected"]) == (0, 0, 0)
    assert verdict["quantities"] == {"energy": energy_wh, "sessions": SESSIONS, "occupancy": SESSIONS}


def test_gateway_database_and_broker_killed_in_turn_lose_and_double_nothing() -> None:
    with open_folder() as folder, running(folder) as (demo, energy_wh):
        for number, program in enumerate((GATEWAY, POSTGRES, NATS, GATEWAY, POSTGRES, NATS), start=1):
            demo.wait_for_receipts(number * SESSIONS // 5)
            dead = demo.kill(program)
            demo.wait_for_successor(program, dead)
        verdict = demo.verdict()
        expect_nothing_lost_or_doubled(verdict, energy_wh)
        assert {name: verdict["restarts"][name] for name in ("gateway", "postgres", "nats")} == {
            "gateway": 2,
            "postgres": 2,
            "nats": 2,
        }


def test_all_three_killed_at_once_lose_and_double_nothing() -> None:
    with open_folder() as folder, running(folder) as (demo, energy_wh):
        demo.wait_for_receipts(SESSIONS // 2)
        for program in (NATS, POSTGRES, GATEWAY):
            demo.kill(program)
        expect_nothing_lost_or_doubled(demo.verdict(), energy_wh)


@pytest.mark.mosquitto
def test_mosquitto_in_place_of_nats_gives_the_same_result_even_killed() -> None:
    with open_folder() as folder, mosquitto(folder / "mosquitto") as broker:
        environment = {"THALWEG_MQTT_URL": broker.url("_gateway")}
        with running(folder, environment) as (demo, energy_wh):
            faults: list[Callable[[], object]] = [lambda: demo.kill(GATEWAY), lambda: demo.kill(POSTGRES), broker.kill]
            for number, fault in enumerate(faults, start=1):
                demo.wait_for_receipts(number * SESSIONS // 4)
                fault()
            broker.start()
            verdict = demo.verdict()
            expect_nothing_lost_or_doubled(verdict, energy_wh)
            assert "nats" not in verdict["restarts"]
