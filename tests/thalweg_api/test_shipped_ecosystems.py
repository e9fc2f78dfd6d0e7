"""The shipped ecosystems, live: signed batches of a device become the figures that their guides show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from thalweg.wire.batch import Event
from thalweg_store.database import Database
from worlds.api import make_api_world
from worlds.gateway import make_world

pytestmark = pytest.mark.slow


def overview(database: Database, design: str, roles: dict[str, str], *events: tuple[str, int, dict[str, str]]) -> Any:
    """The last day's overview after these events (kind, quantity, attributes) of one device; `to` makes an exchange."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    world = make_api_world(make_world(database, design, roles))
    world.book(
        world.gateway.batch(
            *(Event(now_ms, kind, quantity, "to" in attributes, attributes) for kind, quantity, attributes in events)
        )
    )
    return world.get("/overview", window="24h")


def captured(found: Any) -> dict[str, Decimal]:
    return {node["id"]: Decimal(node["captured"]) for node in found["nodes"]}


def test_a_ride_and_an_hour_on_the_street(database):
    found = overview(
        database,
        "scooters",
        {"owner": "north-fund"},
        ("scooter.ride", 720, {}),
        ("location", 3600, {"to": "city"}),
        ("location", 3600, {"to": "city"}),
    )
    values = captured(found)
    assert values["riders"] == Decimal("0.80")
    assert values["north-fund"] == Decimal("0.02")
    # 1.00 for the day, once; 0.10 fewer cars, 2 × 0.005 of data, less 2 × 0.02 of space
    assert values["rivertown"] == Decimal("1.07")
    assert {share["participant"]: share["settled"] for share in found["shares"]}["night-shift"] == "1.72"


@pytest.mark.parametrize(("design", "dividend"), [("air-quality", "0.00276"), ("air-quality-by-reading", "0.0069")])
def test_a_reading_of_ann_s_sensor(database, design, dividend):
    found = overview(database, design, {"keeper": "ann"}, ("air.reading", 24, {"to": "union"}))
    # her dividend, and 0.0005 at the window less 0.0002 of electricity
    assert captured(found)["ann"] == Decimal(dividend) + Decimal("0.0003")
    assert captured(found)["breathe-maps"] == Decimal("0.005")
