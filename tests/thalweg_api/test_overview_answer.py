from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from thalweg.design.text import parse
from thalweg.examples import text
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge, occupancy

pytestmark = pytest.mark.slow


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def book_golden_session(world: ApiWorld) -> None:
    """One 10-kWh roaming session with its occupancy record, just now."""
    world.book(world.gateway.batch(occupancy(now_ms()), charge(10_000, now_ms())))


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_the_golden_roaming_session_is_what_the_overview_shows(world: ApiWorld) -> None:
    book_golden_session(world)
    overview = world.get("/overview", window="24h")
    figures = by(overview["metrics"], "metric")
    assert Decimal(figures["m1"]["value"]) == Decimal("3.85")
    assert Decimal(figures["m6"]["value"]) == Decimal("5.00")
    assert round(Decimal(figures["m9"]["value"])) == 2838
    assert Decimal(figures["m35"]["value"]) == 100
    captured = {node["id"]: Decimal(node["captured"]) for node in overview["nodes"]}
    assert captured == {
        "drivers": Decimal("1.20"),
        "volt-pass": Decimal("1.00"),
        "roam-hub": Decimal("0.45"),
        "city-charge": Decimal("0.62"),
        "river-power": Decimal("0.40"),
        "mall-42": Decimal("0.10"),
        "rivertown": Decimal("0.08"),
        "charge-points": Decimal(0),
    }
    shares = {share["participant"]: (share["settled"], share["share"]["value"]) for share in overview["shares"]}
    assert shares == {
        "river-power": ("2.00", "40"),
        "city-charge": ("1.35", "27"),
        "volt-pass": ("1.00", "20"),
        "roam-hub": ("0.50", "10"),
        "mall-42": ("0.15", "3"),
    }
    assert overview["gross"] == "5.00"
    assert sum(Decimal(node["contributed"]) for node in overview["nodes"]) == Decimal("3.85")


def test_every_figure_of_an_answer_names_one_committed_state(world: ApiWorld) -> None:
    before = world.get("/overview")["as_of"]["commit"]
    book_golden_session(world)
    overview = world.get("/overview")
    assert overview["as_of"]["commit"] == before + 1
    assert world.get("/metrics")["as_of"]["commit"] == before + 1


def test_a_participant_sees_its_own_tiles(world: ApiWorld) -> None:
    book_golden_session(world)
    tiles = by(world.get("/overview", view="mall-42")["tiles"], "id")
    assert list(tiles) == ["captured", "net_cash", "share", "capture_ratio", "events_per_minute", "silent"]
    assert Decimal(tiles["net_cash"]["figure"]["value"]) == Decimal("0.15")
    assert Decimal(tiles["captured"]["figure"]["value"]) == Decimal("0.10")
    assert Decimal(tiles["events_per_minute"]["figure"]["value"]) == Decimal("0.4"), "two events in five minutes"


def test_without_events_the_map_shows_the_design_and_figures_say_why_they_are_missing(world: ApiWorld) -> None:
    overview = world.get("/overview")
    assert {flow["conformance"] for flow in overview["flows"]} == {"designed_only"}
    assert {(flow["source"], flow["target"]) for flow in overview["flows"]} >= {("drivers", "role:emsp")}
    assert by(overview["nodes"], "id")["role:emsp"]["name"] == "E-mobility provider"
    figures = by(overview["metrics"], "metric")
    assert (figures["m9"]["value"], figures["m9"]["reason"]) == (None, "no_flow")
    assert overview["shares"] == []
    assert overview["as_of"]["at"] is None


def test_a_window_holds_only_what_was_measured_in_it(world: ApiWorld) -> None:
    day_ms = 86_400_000
    world.book(world.gateway.batch(charge(1000, now_ms() - 36 * 3_600_000), charge(2000, now_ms() - 3 * day_ms)))
    gross = {
        window: Decimal(by(world.get("/overview", window=window)["metrics"], "metric")["m6"]["value"])
        for window in ("24h", "7d", "30d", "all")
    }
    assert gross == {"24h": Decimal(0), "7d": Decimal("1.5"), "30d": Decimal("1.5"), "all": Decimal("1.5")}
    day = by(world.get("/overview", window="24h")["metrics"], "metric")["m6"]
    assert Decimal(day["previous"]) == Decimal("0.5"), "the day before holds the session of 36 hours ago"
    assert by(world.get("/overview", window="all")["metrics"], "metric")["m6"]["previous"] is None


def test_money_due_to_a_vacant_role_waits_in_suspense_under_its_name(world: ApiWorld) -> None:
    with world.gateway.database.transaction() as connection:
        connection.exec_driver_sql("update assignment set roles = '{}'")
        connection.exec_driver_sql("update ecosystem set directory_version = directory_version + 1")
    book_golden_session(world)
    shares = by(world.get("/overview")["shares"], "participant")
    assert shares["suspense:host"]["settled"] == "0.15"
    assert shares["suspense:host"]["name"] == "Site host (vacant)"


def test_a_device_that_was_never_heard_is_silent_and_one_that_reported_is_not(world: ApiWorld) -> None:
    overview = world.get("/overview")
    assert [(each["device"], each["last_heard"]) for each in overview["silent"]] == [("cp-01", None)]
    world.gateway.send_state(state="on", boot=7, next=0)
    world.gateway.pipeline.step()
    assert world.get("/overview")["silent"] == []


def test_the_csv_holds_the_same_figures_with_the_same_filters(world: ApiWorld) -> None:
    book_golden_session(world)
    overview = world.get("/overview", window="7d", view="roam-hub")
    answer = world.client.get(
        f"/api/v1/ecosystems/{ECOSYSTEM}/overview.csv", params={"window": "7d", "view": "roam-hub"}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert "ev-test-roam-hub-7d.csv" in answer.headers["content-disposition"]
    _, flows, shares = world.tables("/overview.csv", window="7d", view="roam-hub")
    assert {(row["exchange_id"], row["exchange"], row["worth"]) for row in flows} == {
        (flow["exchange"], flow["name"], flow["worth"])
        for flow in overview["flows"]
        if "roam-hub" in (flow["source"], flow["target"])
    }
    assert {row["participant_id"]: (row["participant"], row["settled"]) for row in shares} == {
        share["participant"]: (share["name"], share["settled"]) for share in overview["shares"]
    }


def test_what_is_outside_the_boundary_has_a_name_and_its_id_in_a_column_of_its_own(world: ApiWorld) -> None:
    document = parse(text("ev-charging"))
    document["boundary"] = {"outside": ["energy"]}
    world.activate(document)
    book_golden_session(world)
    _, flows, shares = world.tables("/overview.csv")
    assert {row["participant_id"]: row["participant"] for row in shares}["_rest-of-world"] == "Rest of the world"
    assert not [row for row in flows if row["from"].startswith("_") or row["to"].startswith("_")]


def test_accounting_tells_what_became_of_every_event(world: ApiWorld) -> None:
    world.book(
        world.gateway.batch(occupancy(), charge(10_000)), world.gateway.batch(charge(at_ms=1), boot=9, time_quality=0)
    )
    accounting = world.get("/accounting")
    assert (accounting["recorded"], accounting["committed"], accounting["gaps"]) == (3, 3, 0)
    assert (accounting["mapped"], accounting["parked"]) == (2, 1)
    assert accounting["quantities"] == {"energy": 10_000, "sessions": 1, "occupancy": 1}
    assert sum(map(Decimal, accounting["shares"].values())) == Decimal(accounting["gross"]) == Decimal(5)
