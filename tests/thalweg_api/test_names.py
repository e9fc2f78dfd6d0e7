"""Names stand where ids do, and the design itself can be read: nobody has to show an id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from thalweg.design import content_hash, from_document
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg_store.registry import Registry
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge, occupancy

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


@pytest.fixture
def booked(world: ApiWorld) -> ApiWorld:
    """With one session of now, its occupancy report, and two participants that have names."""
    registry = Registry(world.gateway.database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"volt-pass": "Volt Pass", "city-charge": "City Charge"})
    now_ms = int(NOW.timestamp() * 1000)
    world.book(world.gateway.batch(occupancy(now_ms), charge(10_000, now_ms)))
    return world


def ids(answer: Any) -> set[tuple[str, str]]:
    return {(reading["level"], each) for reading in answer["readings"] for each in reading["of"]}


def test_every_id_of_a_reading_has_a_name_beside_it_and_no_other_has(booked: ApiWorld) -> None:
    questions: list[dict[str, Any]] = [
        {}, {"zoom": "role"}, {"extract": "roaming"}, {"level": "node", "of": "mall-42"},
        {"level": "pair", "of": ["drivers", "river-power"]}, {"level": "loop"},
    ]  # fmt: skip
    for path in ("/metrics", "/analyses"):
        for question in questions:
            answer = booked.get(path, **question)
            named = {(level, each) for level, names in answer["names"].items() for each in names}
            assert named == ids(answer), (path, question)


def test_names_are_those_of_the_design_and_of_the_participants(booked: ApiWorld) -> None:
    names = booked.get("/metrics")["names"]
    assert names["node"]["volt-pass"] == "Volt Pass"
    assert names["driver"]["site-income"] == "Income of the site"
    assert names["exchange"]["roaming-fee"] == "Roaming fee"
    assert booked.get("/metrics", zoom="role")["names"]["node"]["cpo"] == "Charge point operator"
    assert set(booked.get("/metrics", extract="roaming")["names"]["extract"]) == {"roaming"}


def test_a_vacant_role_and_what_is_outside_have_names_too(world: ApiWorld) -> None:
    document = parse(text("ev-charging"))
    document["boundary"] = {"outside": ["energy"]}
    world.activate(document)
    with world.gateway.database.transaction() as connection:
        connection.exec_driver_sql("update assignment set roles = '{}'")
        connection.exec_driver_sql("update ecosystem set directory_version = directory_version + 1")
    world.book(world.gateway.batch(charge(10_000, int(NOW.timestamp() * 1000))))
    names = world.get("/metrics")["names"]
    assert names["node"]["suspense:host"] == "Site host (vacant)"
    assert names["node"]["_rest-of-world"] == "Rest of the world"
    assert names["role"]["host"] == "Site host"


def test_a_share_that_the_design_draws_no_exchange_for_is_called_after_who_gets_it(world: ApiWorld) -> None:
    document = parse(text("ev-charging"))
    document["agreements"][0]["steps"][-1]["to"] = {"split": {"cpo": 9, "city": 1}}
    world.activate(document)
    world.book(world.gateway.batch(charge(10_000, int(NOW.timestamp() * 1000))))
    assert world.get("/metrics")["names"]["exchange"]["_share.cpo.city"] == "Share of City"


def test_what_is_unrated_or_estimated_is_named(booked: ApiWorld) -> None:
    answer = booked.get("/metrics")
    energy = next(each for each in answer["unrated"] if each["exchange"] == "energy-cost")
    assert energy["name"] == "Energy cost"
    assert (energy["source_name"], energy["target_name"]) == ("City Charge", "river-power"), "one has no name"
    assert {each["exchange"]: each["name"] for each in answer["estimates"]}["electricity"] == "Electricity"


def test_the_versions_of_the_design_follow_one_another_and_each_can_be_read(world: ApiWorld) -> None:
    document = parse(text("ev-charging"))
    document["nodes"][0]["name"] = "Motorists"
    world.activate(document, NOW + timedelta(minutes=1))
    first, second = world.get("/designs")
    assert (first["design"]["version"], second["design"]["version"]) == (1, 2)
    assert first["in_force_until"] == second["in_force_from"]
    assert datetime.fromisoformat(second["in_force_from"]) == NOW + timedelta(minutes=1)
    assert second["in_force_until"] is None
    now = world.get("/design")
    written = now.pop("document")
    assert now == second
    assert content_hash(from_document(written)) == second["design"]["hash"]
    assert written["nodes"][0]["name"] == "Motorists"
    old = world.get("/design", version=1)["document"]
    assert old["nodes"][0]["name"] == "Drivers"
    assert {each["id"] for each in old["extracts"]} == {"roaming", "open-data"}
    answer = world.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}/design", params={"version": 3})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "`version`: there is no version 3, only 1 to 2."
