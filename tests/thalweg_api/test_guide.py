"""The examples of the integrator's guide work as they stand there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from thalweg.metrics import Reason
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge, occupancy

pytestmark = pytest.mark.slow


@pytest.fixture
def guide(repository: Path) -> str:
    return (repository / "docs" / "integrate.md").read_text(encoding="utf-8")


def commands(guide: str) -> list[str]:
    """The addresses of its requests, below the API's."""
    return re.findall(r'^ {4}curl -H "Authorization: Bearer \$TOKEN" "\$URL(/[^"]+)"$', guide, re.MULTILINE)


def test_every_request_of_the_guide_is_answered(guide: str, world: ApiWorld) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    world.book(world.gateway.batch(occupancy(now_ms), charge(10_000, now_ms)))
    asked = commands(guide)
    assert len(asked) == guide.count("curl ") > 10
    for address in asked:
        answer = world.client.get("/api/v1" + address.replace("/ev-charging", f"/{ECOSYSTEM}"))
        assert answer.status_code == 200, (address, answer.text)
        if ".csv" in address:
            assert len(answer.text.splitlines()) > 20, address
        elif "/metrics" in address or "/analyses" in address:
            found: Any = answer.json()
            assert found if address == "/metrics" else found["readings"], address
        else:
            assert answer.json(), address


def test_the_guide_explains_every_reason(guide: str) -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \|", guide, re.MULTILINE)) >= set(Reason)
