from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from httpx2 import AsyncClient

from thalweg_api.app import create_app
from thalweg_api.routes import compute_overview
from thalweg_api.schemas import WindowName
from thalweg_api.stream import LiveHub, TopicKey
from thalweg_store.reading import watermark
from thalweg_store.registry import Registry
from worlds.api import ApiWorld
from worlds.gateway import DEVICE, ECOSYSTEM, charge

pytestmark = pytest.mark.slow
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = TopicKey(ECOSYSTEM, WindowName.ALL, None)


def parse(frame: bytes) -> tuple[int, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n"))
    assert lines["event"] == "overview"
    return int(lines["id"]), json.loads(lines["data"])


async def next_overview(frames: AsyncIterator[bytes]) -> tuple[int, dict[str, Any]]:
    async with asyncio.timeout(30):
        while (frame := await anext(frames)).startswith(b"event: heartbeat"):
            pass
    return parse(frame)


def make_hub(world: ApiWorld) -> tuple[LiveHub, list[TopicKey]]:
    computed: list[TopicKey] = []
    database = world.gateway.database

    def compute(key: TopicKey) -> Any:
        computed.append(key)
        return compute_overview(database, key)

    return LiveHub(lambda: watermark(database), compute), computed


def test_a_commit_reaches_every_viewer_by_one_computed_frame(world: ApiWorld) -> None:
    async def scene() -> None:
        hub, computed = make_hub(world)
        running = asyncio.create_task(hub.run())
        viewers = [hub.frames(KEY) for _ in range(20)]
        firsts = [await next_overview(viewer) for viewer in viewers]
        assert len(computed) == 1
        await asyncio.to_thread(world.book, world.gateway.batch(charge(10_000)))
        seconds = await asyncio.gather(*(next_overview(viewer) for viewer in viewers))
        assert len(computed) == 2
        assert {commit for commit, _ in seconds} == {firsts[0][0] + 1}
        assert {overview["gross"] for _, overview in seconds} == {"5.00"}
        for viewer in viewers:
            await viewer.aclose()
        running.cancel()

    asyncio.run(scene())


def test_an_assignment_in_the_past_reaches_viewers_and_those_who_ask_again_without_any_commit(world: ApiWorld) -> None:
    registry = Registry(world.gateway.database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"library": "Library"})
    world.book(world.gateway.batch(charge(10_000)))
    url = f"/api/v1/ecosystems/{ECOSYSTEM}/overview"
    tag = world.client.get(url, params={"window": "all"}).headers["etag"]

    async def scene() -> None:
        hub, computed = make_hub(world)
        running = asyncio.create_task(hub.run())
        viewer = hub.frames(KEY)
        commit, before = await next_overview(viewer)
        assert "library" not in {share["participant"] for share in before["shares"]}
        roles = {"host": "library"}
        await asyncio.to_thread(registry.assign, ECOSYSTEM, DEVICE, roles, datetime(2026, 1, 1, tzinfo=UTC), NOON)
        same_commit, after = await next_overview(viewer)
        assert same_commit == commit
        assert after["as_of"]["changes"] > before["as_of"]["changes"]
        assert "library" in {share["participant"] for share in after["shares"]}
        assert len(computed) <= 3
        await viewer.aclose()
        running.cancel()

    asyncio.run(scene())
    again = world.client.get(url, params={"window": "all"}, headers={"If-None-Match": tag})
    assert again.status_code == 200


def test_the_stream_is_served_as_server_sent_events(world: ApiWorld) -> None:
    async def scene() -> None:
        server = uvicorn.Server(uvicorn.Config(create_app(world.gateway.database), port=0, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/api/v1/ecosystems/{ECOSYSTEM}/stream"
        headers = {"Authorization": f"Bearer {world.token}"}
        async with AsyncClient() as client:
            async with client.stream("GET", url, params={"window": "all"}, headers=headers) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                received = b""
                booked = False
                async with asyncio.timeout(30):
                    async for chunk in answer.aiter_bytes():
                        received += chunk
                        if received.endswith(b"\n\n") and not booked:
                            booked = True
                            await asyncio.to_thread(world.book, world.gateway.batch(charge(10_000)))
                        elif received.count(b"event: overview") > 1 and received.endswith(b"\n\n"):
                            break
            refused = await client.get(url, params={"view": "nobody"}, headers=headers)
            assert refused.status_code == 404
        server.should_exit = True
        await serving
        frames = [parse(part + b"\n\n") for part in received.split(b"\n\n") if b"event: overview" in part]
        assert frames[-1][1]["gross"] == "5.00"
        assert frames[-1][0] > frames[0][0]

    asyncio.run(scene())
