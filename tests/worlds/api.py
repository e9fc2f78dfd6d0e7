"""The gateway's world with an API on the same database."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from thalweg.design import content_hash, from_document
from thalweg_api.app import create_app
from thalweg_store.access import create_token
from thalweg_store.registry import Registry
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

    def tables(self, path: str, **parameters: Any) -> list[list[dict[str, str]]]:
        """The tables of a CSV answer below the ecosystem: rows by the names in each table's head."""
        answer = self.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return [list(csv.DictReader(io.StringIO(table))) for table in answer.text.split("\r\n\r\n")]

    def activate(self, document: dict[str, Any], at: datetime | None = None) -> None:
        """Put a design in force."""
        design = from_document(document)
        written = design.model_dump_json(by_alias=True, exclude_defaults=True)
        registry = Registry(self.gateway.database)
        registry.activate_design(ECOSYSTEM, written, content_hash(design), at or datetime.now(UTC))


def make_api_world(world: World) -> ApiWorld:
    now = datetime.now(UTC)
    token = create_token(world.database, ECOSYSTEM, "tester", now, now + timedelta(hours=1))
    client = TestClient(create_app(world.database), headers={"Authorization": f"Bearer {token}"})
    return ApiWorld(world, client, token)
