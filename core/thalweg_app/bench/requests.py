"""Requests to the API in this process: its routes, its answers as JSON, and no network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from thalweg.errors import SetupError
from thalweg_api.app import create_app
from thalweg_api.memory import collect_seldom
from thalweg_app.bench.history import ECOSYSTEM
from thalweg_store.access import create_token
from thalweg_store.database import Database

#: answers that are not counted: connections, plans and caches are new
WARM_UP: Final = 3
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of one question asked again and again, in ms."""

    p50: float
    p99: float

    @classmethod
    def of(cls, spent_ms: Sequence[float]) -> Latencies:
        """The median, and what 99 of 100 do not exceed."""
        ascending = sorted(spent_ms)
        return cls(p50=ascending[len(ascending) // 2], p99=ascending[-(-len(ascending) * 99 // 100) - 1])


class Requests:
    """Somebody who is signed in."""

    def __init__(self, database: Database) -> None:
        now = datetime.now(UTC)
        token = create_token(database, ECOSYSTEM, "bench", now, now + timedelta(days=1))
        self._app = create_app(database)
        collect_seldom()  # as the process of the API does
        self._headers = [(b"authorization", f"Bearer {token}".encode())]

    def overview(self, count: int, query: Mapping[str, str], meanwhile: Callable[[], None] = lambda: None) -> Latencies:
        """How long the overview takes, asked `count` times, one after the other, with what happens between two."""
        path = f"/api/v1/ecosystems/{ECOSYSTEM}/overview"
        return asyncio.run(self._measure(path, urlencode(query), count, meanwhile))

    async def _measure(self, path: str, query: str, count: int, meanwhile: Callable[[], None]) -> Latencies:
        spent_ms = []
        for _ in range(WARM_UP + count):
            meanwhile()
            began = time.perf_counter()
            status, body = await self._get(path, query)
            spent_ms.append((time.perf_counter() - began) * 1000)
            if status != _OK:
                raise SetupError(f"{path}?{query}: {status} {body.decode(errors='replace')}")
        return Latencies.of(spent_ms[WARM_UP:])

    async def _get(self, path: str, query: str) -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": self._headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            await asyncio.sleep(0)
            said.append(message)

        await self._app(scope, receive, send)
        return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])
