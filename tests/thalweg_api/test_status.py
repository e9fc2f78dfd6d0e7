from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from thalweg.errors import SetupError
from thalweg_api.app import create_app
from thalweg_api.figures import SILENT_WHEN_OFF, SILENT_WHEN_ON
from thalweg_api.observability import CONDITION_SECONDS, StoreCollector
from thalweg_api.schemas import WindowName
from thalweg_api.stream import TopicKey
from thalweg_store.database import Database
from thalweg_store.monitoring import Condition, check_tables, conditions
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge

pytestmark = pytest.mark.slow
AWAY = "postgresql://nobody@127.0.0.1:9/none"


def read(world: ApiWorld, name: str, **labels: str) -> float | None:
    found: float | None = world.client.app.state.metrics.registry.get_sample_value(name, labels)  # type: ignore[attr-defined]
    return found


def condition(world: ApiWorld, later: timedelta = timedelta(0)) -> Condition:
    now = datetime.now(UTC) + later
    found = conditions(
        world.gateway.database, now, silent_when_on=SILENT_WHEN_ON, silent_when_off=SILENT_WHEN_OFF
    )  # fmt: skip
    return found[ECOSYSTEM]


def test_without_a_database_it_lives_and_is_not_ready() -> None:
    away = TestClient(create_app(Database(AWAY)))
    assert away.get("/healthz").json()["alive"]
    answer = away.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["ready"]
    assert "the database is away" in answer.json()["checks"]["database"]
    assert "thalweg_store_up 0.0" in away.get("/metrics").text.splitlines()


def test_with_tables_of_another_release_it_is_not_ready_and_says_what_to_do(world: ApiWorld) -> None:
    assert world.client.get("/readyz").json() == {"ready": True, "checks": {"database": "ok", "tables": "ok"}}
    with world.gateway.database.transaction() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '0001'")
    answer = world.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "ok"
    assert "thalweg database upgrade" in answer.json()["checks"]["tables"]


def test_an_empty_database_has_no_tables_yet(world: ApiWorld) -> None:
    with world.gateway.database.transaction() as connection:
        connection.exec_driver_sql("drop table alembic_version")
    with pytest.raises(SetupError, match="missing"):
        check_tables(world.gateway.database)


def test_requests_are_counted_by_route_and_not_by_what_a_client_invents(world: ApiWorld) -> None:
    def count(method: str, route: str, status: str) -> float | None:
        labels = {"method": method, "route": route, "status": status}
        return read(world, "thalweg_api_request_seconds_count", **labels)

    world.get("/overview")
    world.client.get("/api/v1/ecosystems/nowhere/overview")
    world.client.request("BREW", "/api/v1/session")
    world.client.get("/no/such/file")
    route = "/api/v1/ecosystems/{ecosystem}/overview"
    assert (count("GET", route, "200"), count("GET", route, "404")) == (1, 1)
    family = next(each for each in world.client.app.state.metrics.registry.collect() if "request" in each.name)  # type: ignore[attr-defined]
    seen = {(sample.labels["method"], sample.labels["route"]) for sample in family.samples}
    assert {method for method, _ in seen} == {"GET", "other"}
    assert not {route for _, route in seen if "no/such" in route or "nowhere" in route}


def test_viewers_and_frames_are_counted(world: ApiWorld) -> None:
    hub = world.client.app.state.hub  # type: ignore[attr-defined]

    async def scene() -> None:
        viewers = [hub.frames(TopicKey(ECOSYSTEM, WindowName.ALL, None)) for _ in range(3)]
        for viewer in viewers:
            await anext(viewer)
        assert read(world, "thalweg_api_live_viewers") == 3
        for viewer in viewers:
            await viewer.aclose()

    asyncio.run(scene())
    assert read(world, "thalweg_api_live_viewers") == 0
    assert read(world, "thalweg_api_frames_total") == 1, "three viewers share one frame"


def test_the_store_tells_gaps_parked_and_silent(world: ApiWorld) -> None:
    gateway = world.gateway
    assert condition(world) == Condition(0, 0, 0, 0, 1, 1, 0), "never heard is silent, with nothing at stake"
    first, _, third = (gateway.batch(charge(wh, int(datetime.now(UTC).timestamp() * 1000))) for wh in (1, 2, 3))
    world.book(first, third, gateway.batch(charge(4), boot=8, time_quality=0))
    found = condition(world)
    assert (found.gap_events, found.parked_events, found.silent_devices) == (1, 1, 0)
    later = condition(world, timedelta(hours=1))
    assert (later.silent_devices, later.silent_devices_with_value) == (1, 1)


def test_the_store_is_asked_at_most_every_fifteen_seconds(world: ApiWorld) -> None:
    now = [0.0]
    collector = StoreCollector(world.gateway.database, lambda: now[0])

    def commits() -> float:
        return next(each.samples[0].value for each in collector.collect() if each.name == "thalweg_store_commits")

    assert commits() == 0
    world.book(world.gateway.batch(charge(1)))
    now[0] += CONDITION_SECONDS - 1
    assert commits() == 0
    now[0] += 1
    assert commits() == 1


def test_the_watermark_has_an_age_once_something_was_committed(world: ApiWorld) -> None:
    assert read(world, "thalweg_store_watermark_age_seconds") is None
    world.book(world.gateway.batch(charge(1)))
    collector = StoreCollector(world.gateway.database)
    (age,) = [each.samples[0].value for each in collector.collect() if each.name.endswith("watermark_age_seconds")]
    assert 0 <= age < 60
