"""The gateway's world with an API on the same database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from thalweg_api.app import create_app
from thalweg_store.access import create_token
from worlds.gateway import ECOSYSTEM, World


@dataclass
class ApiWorld:
    """A signed-in client beside the gateway's world."""

    gateway: World
    client: TestClient
    token: str

    def book(self, *payloads: bytes) -> None:
        """Have the gateway commit batches."""
        for payload in payloads:
            self.gateway.send(payload)
        self.gateway.pipeline.step()

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON answer below the ecosystem."""
        answer = self.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


def make_api_world(world: World) -> ApiWorld:
    now = datetime.now(UTC)
    token = create_token(world.database, ECOSYSTEM, "tester", now, now + timedelta(hours=1))
    client = TestClient(create_app(world.database), headers={"Authorization": f"Bearer {token}"})
    return ApiWorld(world, client, token)
