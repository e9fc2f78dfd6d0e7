"""Metrics and analyses as CSV: the readings of the JSON answer, at every zoom level, with names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge, occupancy

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
THEN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 3 * HOUR

ZOOMS: list[dict[str, Any]] = [
    {},
    {"zoom": "role"},
    {"cut": "host"},
    {"extract": "roaming"},
    {"level": "pair", "of": ["volt-pass", "drivers"]},
    {"from": THEN.isoformat(), "to": (THEN + HOUR).isoformat(), "previous": True},
]


@pytest.fixture
def booked(world: ApiWorld) -> ApiWorld:
    then_ms = int(THEN.timestamp() * 1000)
    world.book(world.gateway.batch(occupancy(then_ms), charge(10_000, then_ms)))
    return world


def rows_of(answer: Any) -> list[dict[str, str]]:
    """What a table should say of the readings of a JSON answer."""
    return [
        {
            "metric": each["metric"],
            "level": each["level"],
            "of": "; ".join(answer["names"][each["level"]][name] for name in each["of"]),
            "value": each["value"] or "",
            "unit": each["unit"],
            "reason": each["reason"] or "",
            "previous": each["previous"] or "",
            "of_ids": "; ".join(each["of"]),
        }
        for each in answer["readings"]
        if each["metric"] != "m48" and not each["metric"].startswith("m48.")  # freshness grows with each look
    ]


@pytest.mark.parametrize("path", ["/metrics", "/analyses"])
def test_the_csv_has_the_readings_of_the_json_at_every_zoom_level(booked: ApiWorld, path: str) -> None:
    catalogue = {each["id"]: each["name"] for each in booked.client.get("/api/v1/metrics").json()}
    for zoom in ZOOMS:
        answer = booked.get(path, **zoom)
        [state], readings, *_ = booked.tables(f"{path}.csv", **zoom)
        assert state["zoom"] == answer["zoom"]
        assert state["as_of_commit"] == str(answer["as_of"]["commit"])
        assert {row["metric"]: row.pop("name") for row in readings}.items() <= catalogue.items()
        assert [row for row in readings if not row["metric"].startswith("m48")] == rows_of(answer), zoom


def test_what_is_unrated_estimated_or_a_candidate_is_in_tables_of_its_own(booked: ApiWorld) -> None:
    _, _, unrated, estimates = booked.tables("/metrics.csv")
    answer = booked.get("/metrics")
    assert [(row["exchange_id"], row["from"], row["amount"]) for row in unrated] == [
        (each["exchange"], each["source_name"], each["amount"]) for each in answer["unrated"]
    ]
    assert [row["exchange"] for row in estimates] == [each["name"] for each in answer["estimates"]]
    state, _, candidates = booked.tables("/analyses.csv")
    assert candidates == []
    assert state[0].keys() >= {"is_current", "is_computing", "windows", "against_version"}


def test_the_file_says_in_its_name_what_it_holds(booked: ApiWorld) -> None:
    def name_of(path: str, **parameters: str) -> str:
        answer = booked.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}{path}", params=parameters)
        assert answer.headers["content-type"].startswith("text/csv")
        return answer.headers["content-disposition"]

    assert "ev-test-metrics-participant-7d.csv" in name_of("/metrics.csv", window="7d")
    span = {"from": THEN.isoformat(), "to": (THEN + HOUR).isoformat()}
    named = f"ev-test-analyses-role-{THEN:%Y%m%dT%H%M}-{THEN + HOUR:%Y%m%dT%H%M}.csv"
    assert named in name_of("/analyses.csv", zoom="role", **span)


def test_a_question_that_cannot_be_answered_is_refused_as_in_json(booked: ApiWorld) -> None:
    answer = booked.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}/metrics.csv", params={"metric": "m14"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
