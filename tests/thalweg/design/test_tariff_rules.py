"""The validator refuses tariffs that do not say, once and for every moment, what is charged."""

from __future__ import annotations

from typing import Any

import pytest

from thalweg.design import validate
from worlds.tariffs import document, tariff

TIERS = {"mode": "graduated", "tiers": [{"up_to": "10", "unit_price": "2"}, {"unit_price": "1"}]}
COMMISSION = {"id": "c", "on": "commission", "percent_of": {"exchange": "fee", "percent": "5"}}
PLAIN = tariff(unit_price="1")


def tiers(*bounds: str | None) -> dict[str, Any]:
    return {"mode": "volume", "tiers": [{"unit_price": "1"} | ({"up_to": each} if each else {}) for each in bounds]}


def used(*hours: dict[str, Any]) -> dict[str, Any]:
    return {"time_of_use": [{"price": "1"} | each for each in hours]}


SOUND = [
    [tariff(unit_price="1", valid_until="2026-05-01"), tariff(unit_price="2", valid_from="2026-05-01") | {"id": "u"}],
    [tariff(unit_price=used({"from": "22:00", "until": "06:00"}, {}), tiers=TIERS)],
    [tariff(unit_price="1", valid_from="2026-10-25T03:30+03:00")],
    [tariff(unit_price={"by": "charger", "prices": {"rapid": used({})}, "otherwise": "1"}, rounding={"to": "0.01"})],
    [PLAIN, COMMISSION],
]

CASES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("no price", [tariff()], "tariffs[0]", "`unit_price`, `flat` or both"),
    (
        "no price in a component",
        [tariff(flat="1", components=[{"id": "a"}])],
        "tariffs[0].components[0]",
        "give it a price",
    ),
    (
        "a component twice",
        [tariff(components=[{"id": "a", "flat": "1"}, {"id": "a", "flat": "1"}])],
        "tariffs[0].components[1].id",
        "another id",
    ),
    ("overlap", [PLAIN, tariff(flat="1", valid_from="2026-05-01") | {"id": "u"}], "tariffs[1].on", "`valid_until`"),
    (
        "versions with other periods",
        [
            tariff(flat="1", valid_until="2026-05-01"),
            tariff(flat="1", valid_from="2026-05-01", period="day") | {"id": "u"},
        ],
        "tariffs[1].period",
        "same `period`",
    ),
    ("no quarter hour", [tariff(flat="1", valid_from="2026-05-01T00:10")], "tariffs[0].valid_from", "quarter hour"),
    (
        "a time that is skipped",
        [tariff(flat="1", valid_from="2026-03-29T03:15")],
        "tariffs[0].valid_from",
        "that exists",
    ),
    (
        "a time that is there twice",
        [tariff(flat="1", valid_from="2026-10-25T03:15")],
        "tariffs[0].valid_from",
        "exists",
    ),
    ("a day that is not", [tariff(flat="1", valid_from="2026-02-30")], "tariffs[0].valid_from", "that exists"),
    (
        "an offset of seven minutes",
        [tariff(flat="1", valid_from="2026-02-01T00:00+00:07")],
        "tariffs[0].valid_from",
        "that exists",
    ),
    (
        "ends before it begins",
        [tariff(flat="1", valid_from="2026-02-01", valid_until="2026-01-01")],
        "tariffs[0].valid_until",
        "later time",
    ),
    (
        "an attribute that is not kept apart",
        [tariff(unit_price={"by": "colour", "prices": {"red": "1"}})],
        "tariffs[0].unit_price.by",
        "`group_by`",
    ),
    ("a payer that is not kept apart", [tariff(flat="1", payer="card")], "tariffs[0].payer", "add card"),
    (
        "hours without time",
        [tariff(unit_price=used({"from": "07:00", "until": "07:00"}))],
        "tariffs[0].unit_price.time_of_use[0].until",
        "another end",
    ),
    (
        "hours off the quarter",
        [tariff(unit_price=used({"from": "07:10"}))],
        "tariffs[0].unit_price.time_of_use[0].from",
        '"07:15"',
    ),
    (
        "hours that are never reached",
        [tariff(flat=used({}, {"from": "07:00"}))],
        "tariffs[0].flat.time_of_use[1]",
        "last",
    ),
    ("a day twice", [tariff(flat="1", during=[{"days": ["mon", "mon"]}])], "tariffs[0].during[0].days", "once"),
    (
        "a series that begins at no time",
        [tariff(unit_price={"series": {"start": "2026-03-29T03:00", "prices": ["1"]}})],
        "tariffs[0].unit_price.series.start",
        "that exists",
    ),
    ("tiers that fall", [tariff(tiers=tiers("10", "5", None))], "tariffs[0].tiers.tiers[1].up_to", "order"),
    ("tiers that end", [tariff(tiers=tiers("10", "20"))], "tariffs[0].tiers.tiers[1].up_to", "remove its bound"),
    ("tiers never reached", [tariff(tiers=tiers(None, None))], "tariffs[0].tiers.tiers[0].up_to", "give it a bound"),
    (
        "tiers with prices by time",
        [tariff(tiers={"mode": "volume", "tiers": [{"unit_price": used({})}]})],
        "tariffs[0].tiers.tiers[0].unit_price",
        "correct",
    ),
    ("an empty package", [tariff(package={"size": "0", "price": "1"})], "tariffs[0].package.size", "positive"),
    ("a limit on nothing", [tariff(flat="1", limits=[{"per": "payer"}])], "tariffs[0].limits[0]", "`maximum`"),
    (
        "limits that cross",
        [tariff(flat="1", limits=[{"per": "payer", "minimum": "2", "maximum": "1"}])],
        "tariffs[0].limits[0].minimum",
        "lower it",
    ),
    (
        "two limits of one kind",
        [tariff(flat="1", limits=[{"per": "payer", "maximum": "2"}, {"per": "payer", "maximum": "1"}])],
        "tariffs[0].limits[1].per",
        "into one",
    ),
    (
        "a limit for each assignment on what is counted over the payer",
        [tariff(package={"size": "7", "price": "1.001"}, limits=[{"per": "period", "minimum": "1"}])],
        "tariffs[0].limits[0].per",
        "`per: payer`",
    ),
    (
        "the same on a component",
        [tariff(components=[{"id": "a", "tiers": TIERS}], limits=[{"per": "period", "maximum": "1"}])],
        "tariffs[0].limits[0].per",
        "`per: payer`",
    ),
    (
        "the same on a percentage",
        [
            tariff(unit_price="1", limits=[{"per": "payer", "maximum": "9"}]),
            COMMISSION | {"limits": [{"per": "period", "maximum": "1"}]},
        ],
        "tariffs[1].limits[0].per",
        "`per: payer`",
    ),
    ("rounding to nothing", [tariff(flat="1", rounding={"to": "0"})], "tariffs[0].rounding.to", "0.01"),
    ("no condition", [tariff(flat="1", when="attributes.minutes >")], "tariffs[0].when", "CEL expression"),
    (
        "a fee for the period beside a rule for each occurrence",
        [tariff(rounding={"to": "0.01"}, period_fee={"amount": "1"})],
        "tariffs[0].period_fee",
        "into a component",
    ),
    (
        "a month's tiers within what is rounded by occurrence",
        [tariff(rounding={"to": "0.01"}, components=[{"id": "a", "tiers": TIERS}])],
        "tariffs[0].components[0].tiers",
        "`per: occurrence`",
    ),
    ("a percentage of what is not charged", [COMMISSION], "tariffs[0].percent_of.exchange", "exchanges"),
    (
        "a circle of percentages",
        [tariff(percent_of={"exchange": "commission", "percent": "1"}), COMMISSION],
        "tariffs[0].percent_of.exchange",
        "circle",
    ),
    (
        "a percentage of some hours",
        [PLAIN, COMMISSION | {"flat": used({"from": "07:00", "until": "08:00"})}],
        "tariffs[1].percent_of",
        "exchange of its own",
    ),
]


@pytest.mark.parametrize("tariffs", SOUND)
def test_these_are_sound(tariffs):
    assert validate(document(*tariffs)) == ()


@pytest.mark.parametrize(("tariffs", "path", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_mistake_is_named_with_its_place_and_a_remedy(tariffs, path, remedy):
    problems = validate(document(*tariffs))
    assert path in [problem.path for problem in problems], problems
    assert any(problem.path == path and remedy in problem.remedy for problem in problems), problems


def test_a_percentage_needs_the_measure_of_what_it_is_of():
    terms = document(PLAIN, COMMISSION)
    terms["meters"].append(terms["meters"][0] | {"id": "other", "kind": "other"})
    terms["exchanges"][1]["meter"] = "other"
    assert [problem.path for problem in validate(terms)] == ["tariffs[1].percent_of.exchange"]
