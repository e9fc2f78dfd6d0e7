"""Every metric of the catalogue, asked for over HTTP: of whom, at which zoom level, over which window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.wire.batch import Event
from worlds.api import ApiWorld
from worlds.gateway import ECOSYSTEM, charge, occupancy

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: an hour that has passed, on a quarter hour
THEN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 3 * HOUR


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def book_session(world: ApiWorld, moment: datetime = THEN) -> None:
    """One 10-kWh roaming session with its occupancy report."""
    world.book(world.gateway.batch(occupancy(ms(moment)), charge(10_000, ms(moment))))


def window(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


def values(answer: Any, metric: str) -> dict[tuple[str, ...], Decimal | None]:
    return {
        tuple(each["of"]): None if each["value"] is None else Decimal(each["value"])
        for each in answer["readings"]
        if each["metric"] == metric
    }


def problem(world: ApiWorld, path: str, **parameters: Any) -> tuple[int, str]:
    answer = world.client.get(f"/api/v1/ecosystems/{ECOSYSTEM}{path}", params=parameters)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def test_the_catalogue_holds_m1_to_m49_each_defined_and_with_its_group(world: ApiWorld) -> None:
    catalogue = world.client.get("/api/v1/metrics").json()
    assert {metric["id"].partition(".")[0] for metric in catalogue} == {f"m{number}" for number in range(1, 50)}
    for metric in catalogue:
        assert metric["formula"]
        assert metric["levels"]
        assert metric["group"] in ("fast", "analysis")
        assert metric["direction"] in ("higher", "lower", None)
    assert {metric["id"] for metric in catalogue if metric["basis"] == "money"} >= {"m2.money", "m3", "m20"}


def test_every_metric_is_answered_at_every_level_or_has_nothing_to_list(world: ApiWorld) -> None:
    book_session(world)
    listed = set()
    for path in ("/metrics", "/analyses"):
        for parameters in ({}, {"extract": "roaming"}):
            for reading in world.get(path, **parameters)["readings"]:
                listed.add((reading["metric"], reading["level"]))
                assert (reading["value"] is None) == (reading["reason"] is not None), reading
    catalogue = world.client.get("/api/v1/metrics").json()
    missing = {(metric["id"], level) for metric in catalogue for level in metric["levels"]} - listed
    # no loop of three, no candidate, no vacant role, no gap, no scenario, no scale
    empty = {"m19", "m22", "m22.low", "m22.high", "m37.cluster", "m46", "m47.gaps", "m49", "m49.money"}
    assert {metric for metric, _ in missing} == empty | {"m30.perceived-exchange"}


def test_a_participant_a_pair_a_driver_and_an_exchange_are_asked_for_by_name(world: ApiWorld) -> None:
    book_session(world)
    host = world.get("/metrics", level="node", of="mall-42", metric="m2")
    assert values(host, "m2") == {("mall-42",): Decimal("0.10")}
    assert values(host, "m2.money") == {("mall-42",): Decimal("0.15")}, "m2 stands for its other readings too"
    pair = world.get("/metrics", level="pair", of=["volt-pass", "drivers"], metric="m11")
    assert values(pair, "m11") == {("drivers", "volt-pass"): Decimal("0.806451612903")}
    driver = world.get("/metrics", level="driver", of="site-income")
    assert {each["metric"] for each in driver["readings"]} == {"m27"}
    exchange = world.get("/metrics", level="exchange", of="site", metric="m1")
    assert values(exchange, "m1") == {("site",): Decimal("-0.05")}
    assert values(world.get("/analyses", of="hub", zoom="role"), "m14") == {("hub",): Decimal("0.61666667")}


def test_two_that_exchange_nothing_are_told_so(world: ApiWorld) -> None:
    book_session(world)
    (reading,) = world.get("/metrics", level="pair", of=["drivers", "river-power"], metric="m11.money")["readings"]
    assert (reading["value"], reading["reason"]) == (None, "no_flow")


def test_all_that_is_captured_is_what_is_created_in_every_window_at_every_zoom_level(world: ApiWorld) -> None:
    document = parse(text("ev-charging"))
    document["nodes"] = [
        {"id": "ecosystem", "name": "All", "kind": "network"},
        *(node | {"parent": "ecosystem"} for node in document["nodes"]),
    ]
    world.activate(document)
    book_session(world)
    hours = window(THEN - HOUR, THEN + HOUR), window(THEN, THEN + HOUR / 4)
    for parameters in ({}, {"zoom": "role"}, {"cut": "ecosystem"}, {"window": "7d"}, *hours):
        answer = world.get("/metrics", **parameters)
        (created,) = [
            each["value"] for each in answer["readings"] if (each["metric"], each["level"]) == ("m1", "design")
        ]
        captured = {of: value for of, value in values(answer, "m2").items() if of}
        assert sum(value for value in captured.values() if value is not None) == Decimal(created) == Decimal("3.85")


def test_an_extract_is_looked_at_by_itself(world: ApiWorld) -> None:
    book_session(world)
    answer = world.get("/metrics", extract="open-data")
    assert answer["zoom"] == "role"
    assert {each["level"] for each in answer["readings"]} >= {"extract", "node", "exchange"}
    assert values(answer, "m31")["open-data",] is not None
    (created,) = [each for each in answer["readings"] if (each["metric"], each["level"]) == ("m1", "extract")]
    assert Decimal(created["value"]) == Decimal("0.15")


def test_each_figure_has_that_of_the_window_before(world: ApiWorld) -> None:
    book_session(world, THEN)
    book_session(world, THEN)
    book_session(world, THEN - HOUR)
    (reading,) = world.get("/metrics", metric="m6", previous=True, **window(THEN, THEN + HOUR))["readings"]
    assert (reading["value"], reading["previous"]) == ("10.00", "5.00")


def test_each_analysis_has_that_of_the_window_before_with_the_windows_and_the_design_that_it_had(world) -> None:
    for hours in range(12):
        for _ in range(1 + hours % 3):
            book_session(world, THEN - HOUR * hours)
    document = parse(text("ev-charging"))
    document["tariffs"][0]["unit_price"] = "0.60"
    world.activate(document)
    now = world.get("/analyses", previous=True, against=1, **window(THEN, THEN + HOUR))
    then = world.get("/analyses", against=1, **window(THEN - HOUR, THEN))

    def by_thing(answer: Any, key: str) -> dict[tuple[Any, ...], str | None]:
        return {(each["metric"], each["level"], *each["of"]): each[key] for each in answer["readings"]}

    earlier = by_thing(now, "previous")
    assert earlier == {key: by_thing(then, "value").get(key) for key in earlier}
    assert {key[0] for key, value in earlier.items() if value is not None} >= {"m14", "m16", "m39", "m43.change"}
    plain = world.get("/analyses", against=1, **window(THEN, THEN + HOUR))
    assert {each["previous"] for each in plain["readings"]} == {None}


def test_what_no_meter_asks_for_is_shown_and_becomes_a_candidate(world: ApiWorld) -> None:
    events = [Event(ms(THEN + HOUR * (number % 2)), "parking.stay", 600) for number in range(24)]
    world.book(world.gateway.batch(*events, charge(10_000, ms(THEN))))
    fast = world.get("/metrics")
    assert values(fast, "m36.undesigned") == {(): Decimal(1)}
    assert values(fast, "m35.unmapped") == {(): Decimal(96)}
    (candidate,) = world.get("/analyses")["candidates"]
    assert (candidate["shape"], candidate["events"], candidate["quarters"]) == ("parking.stay", 24, 2)
    assert datetime.fromisoformat(candidate["first_seen"]) == THEN


def test_a_statement_s_completeness_counts_what_misses_in_its_own_period(world: ApiWorld) -> None:
    world.book(world.gateway.batch(charge(1000, ms(THEN)), charge(1000, ms(THEN))))
    world.gateway.batch(charge(1000, ms(THEN + HOUR)))  # numbered, and never sent
    world.book(world.gateway.batch(charge(1000, ms(THEN + HOUR)), charge(1000, ms(THEN + HOUR))))
    whole = world.get("/analyses", metric="m47.statement", of="mall-42", **window(THEN, THEN + HOUR))
    assert values(whole, "m47.statement") == {("mall-42",): Decimal(100)}
    gappy = world.get("/analyses", metric="m47.statement", of="mall-42", **window(THEN + HOUR, THEN + 2 * HOUR))
    assert values(gappy, "m47.statement") == {("mall-42",): Decimal("66.666666666667")}
    assert values(world.get("/metrics", metric="m47.gaps"), "m47.gaps") == {("cp-01",): Decimal(1)}


def test_measures_over_time_go_by_the_windows_before(world: ApiWorld) -> None:
    for hours in range(10):
        for _ in range(1 + hours % 3):
            book_session(world, THEN - HOUR * hours)
    answer = world.get("/analyses", **window(THEN, THEN + HOUR))
    assert answer["windows"] == 10, "before the first event there is nothing to compare with"
    assert values(answer, "m26")[()] == 100
    assert values(answer, "m43.change")["city-charge",] == 0
    assert values(answer, "m45.niches")[()] == 0
    assert {each["reason"] for each in answer["readings"] if each["metric"] == "m29"} <= {None, "not_positive"}


def test_two_versions_of_the_design_are_compared_over_the_same_events(world: ApiWorld) -> None:
    book_session(world)
    document = parse(text("ev-charging"))
    document["tariffs"][0]["unit_price"] = "0.60"
    world.activate(document)
    answer = world.get("/analyses", against=1)
    assert answer["against"]["version"] == 1
    deltas = values(answer, "m39")
    assert (deltas["drivers",], deltas["volt-pass",]) == (Decimal(1), Decimal(-1)), "at the old price of 0.50"
    assert values(answer, "m39.winners") == {(): Decimal(1)}
    assert values(answer, "m38")[()] == Decimal("0.031164506839")


def test_what_has_no_price_is_seen_with_its_quantity_and_charges_without_agreement_with_their_amount(world) -> None:
    document = parse(text("ev-charging"))
    document["tariffs"][1] |= {"valid_from": (datetime.now(UTC) + 400 * DAY).date().isoformat()}
    world.activate(document)
    book_session(world)
    unrated = {(each["exchange"], each["why"]): each for each in world.get("/metrics")["unrated"]}
    assert set(unrated) == {
        ("roaming-fee", "no_price"),
        ("charging-fee", "not_shared"),
        ("energy-cost", "not_shared"),
    }
    roaming = unrated["roaming-fee", "no_price"]
    assert (roaming["amount"], roaming["unit"], roaming["occurrences"]) == ("10", "kWh", 1)
    assert unrated["charging-fee", "not_shared"]["amount"] == "5.00"
    assert [each["exchange"] for each in world.get("/overview")["unrated"]] == ["roaming-fee"]


def test_a_design_with_recoupment_and_tiers_goes_on_where_the_period_before_ended(world: ApiWorld) -> None:
    """The host gets half of what is left until it has had 0.30, then a tenth, and a fifth beyond 3.00 of gross."""
    document = parse(text("ev-charging"))
    tiers = {"on": "gross", "per": "lifetime", "mode": "graduated", "tiers": [["3", "10"], [None, "20"]]}
    recoup = {"account": "fit-out", "total": "0.30", "percent_of_remainder": "50"}
    document["agreements"][0]["period"] = "day"
    document["agreements"][0]["steps"] = [
        {"id": "fit-out", "take": {"recoup": recoup}, "to": "host"},
        {"id": "host", "take": {"tiered": tiers}, "to": "host"},
        {"id": "rest", "take": "remainder", "to": "cpo"},
    ]
    world.activate(document)
    for hours in (50, 26, 2):
        book_session(world, THEN - HOUR * hours)

    def host(start: datetime, end: datetime) -> Decimal | None:
        answer = world.get("/metrics", metric="m3", of="mall-42", **window(start, end))
        return values(answer, "m3")["mall-42",]

    parts = [THEN - 60 * HOUR, THEN - 40 * HOUR, THEN - 20 * HOUR, THEN]
    days = [host(start, end) for start, end in pairwise(parts)]
    # net of energy each session brings 1.50: 0.30 recouped and 0.15; then 0.15; then 0.30
    assert days == [Decimal("0.45"), Decimal("0.15"), Decimal("0.30")]
    assert host(parts[0], parts[-1]) == sum(day for day in days if day is not None)


#: path, query, and what the answer says
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/metrics", {"metric": "m99"}, "There is no metric 'm99': /api/v1/metrics lists all."),
    ("/metrics", {"metric": "m14"}, "'m14' belongs to the other group: ask `analyses` for it."),
    ("/metrics", {"metric": "m45"}, "'m45' belongs to the other group: ask `analyses` for it."),
    ("/analyses", {"metric": "m6"}, "'m6' belongs to the other group: ask `metrics` for it."),
    ("/metrics", {"of": "nobody"}, "Nothing is known of 'nobody' at any level in this window."),
    ("/metrics", {"level": "driver", "of": "mall-42"}, "Nothing is known of 'mall-42' at the level 'driver'"),
    ("/metrics", {"from": "2026-01-01T00:00Z"}, "A window has two ends: send `from` and `to`, or `window`."),
    ("/metrics", {"window": "7d", "from": "2026-01-01T00:00Z", "to": "2026-01-02T00:00Z"}, "not for both."),
    ("/metrics", {"from": "2026-01-02T00:00Z", "to": "2026-01-01T00:00Z"}, "`from` is not before `to`."),
    ("/metrics", {"from": "2026-01-01T00:00", "to": "2026-01-02T00:00Z"}, "`from` has no offset"),
    ("/metrics", {"from": "2026-01-01T00:07Z", "to": "2026-01-02T00:00Z"}, "`from` lies within a quarter hour"),
    ("/metrics", {"from": "0001-01-01T00:00+14:00", "to": "2026-01-02T00:00Z"}, "outside the years 1970 to 2200"),
    ("/metrics", {"cut": "no-such"}, "`cut`: 'no-such' is no node of the design."),
    ("/metrics", {"cut": "hub", "zoom": "participant"}, "are views of roles: leave `zoom` out"),
    ("/metrics", {"extract": "no-such"}, "has no extract 'no-such': ask for one of roaming, open-data."),
    ("/metrics", {"extract": "roaming", "cut": "hub"}, "names its own zoom levels: leave `cut` out."),
    ("/analyses", {"against": 7}, "`against`: 'ev-test' has no design version 7"),
]


def test_what_cannot_be_answered_is_refused_with_what_to_do(world: ApiWorld) -> None:
    for path, parameters, detail in REFUSED:
        status, said = problem(world, path, **parameters)
        assert status == 422
        assert detail in said
