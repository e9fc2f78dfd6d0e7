"""Agreements that follow each other on one exchange: one at a time, and no charge without one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from thalweg.design import from_document, validate
from thalweg.design.agreement_text import agreements_of
from thalweg.design.text import parse
from thalweg.errors import InvalidDesign
from thalweg.examples import text

SOUND = parse(text("ev-charging"))
CHANGE = "2026-07-01"


def version(name: str, start: str | None = None, end: str | None = None, **settings: Any) -> dict[str, Any]:
    dates = {"valid_from": start, "valid_until": end}
    own = {
        "id": name,
        "on": "operator-fee",
        "steps": [
            {"id": "host", "take": {"percent_of_gross": 10}, "to": "host"},
            {"id": "rest", "take": "remainder", "to": "cpo"},
        ],
    }
    return own | {key: value for key, value in dates.items() if value is not None} | settings


def document(*versions: dict[str, Any], **tariff: str) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(SOUND)
    changed["agreements"] = list(versions)
    changed["tariffs"] = [each | (tariff if each["on"] == "operator-fee" else {}) for each in changed["tariffs"]]
    return changed


def recouping(name: str, **settings: Any) -> dict[str, Any]:
    take = {"recoup": {"account": "k", "total": "1"}}
    steps = [{"id": "host", "take": take, "to": "host"}, {"id": "rest", "take": "remainder", "to": "cpo"}]
    return version(name, steps=steps, **settings)


GUARANTEED = {"guarantees": [{"party": "host", "minimum": "1", "funded_by": ["cpo"]}]}
PRORATED = {"guarantees": [GUARANTEED["guarantees"][0] | {"prorate": "days"}]}

SOUND_ONES = {
    "one follows the other": [version("a", end=CHANGE), version("b", CHANGE)],
    "in any order": [version("b", CHANGE), version("a", end=CHANGE)],
    "in mid-day": [version("a", end="2026-07-01T12:15"), version("b", "2026-07-01T12:15")],
    "an account that is handed on": [
        recouping("a", valid_until=CHANGE),
        recouping("b", valid_from=CHANGE),
    ],
    "guarantees that begin with a month": [version("a", end=CHANGE, **GUARANTEED), version("b", CHANGE, **GUARANTEED)],
    "prorated guarantees": [version("a", end="2026-07-09", **PRORATED), version("b", "2026-07-09", **PRORATED)],
}


@pytest.mark.parametrize("versions", SOUND_ONES.values(), ids=SOUND_ONES)
def test_versions_that_follow_each_other_are_sound(versions):
    assert validate(document(*versions)) == ()


def test_a_time_in_which_no_tariff_charges_needs_no_agreement():
    until = version("a", "2026-01-01", CHANGE)
    assert validate(document(until, valid_from="2026-02-01", valid_until=CHANGE)) == ()


CASES = {
    "overlap": ([version("a"), version("b", CHANGE)], "agreements[1].on", "let one follow the other"),
    "overlap of a day": (
        [version("a", end="2026-07-02"), version("b", CHANGE)],
        "agreements[1].on",
        "let one follow the other",
    ),
    "gap between": (
        [version("a", end=CHANGE), version("b", "2026-07-02")],
        "agreements[1].valid_from",
        "an agreement for that time",
    ),
    "gap before": ([version("a", CHANGE)], "agreements[0].valid_from", "begin earlier"),
    "gap behind": ([version("a", end=CHANGE)], "agreements[0].valid_until", "the agreement that follows"),
    "no quarter hour": ([version("a", end="2026-07-01T12:10")], "agreements[0].valid_until", "quarter hour"),
    "no such time": ([version("a", end="2026-03-29T03:30")], "agreements[0].valid_until", "quarter hour that exists"),
    "no time": ([version("a", CHANGE, CHANGE)], "agreements[0].valid_until", "later time"),
    "another period": (
        [version("a", end=CHANGE), version("b", CHANGE, period="day")],
        "agreements[1].period",
        "the same `period`",
    ),
    "a pool with dates": (
        [
            version("a", steps=[{"id": "all", "take": "remainder", "to": {"pool": "p"}}]),
            version("p", end=CHANGE, on=None),
        ],
        "agreements[1].valid_until",
        "date the agreements that feed it",
    ),
    "two whole minimums in one month": (
        [version("a", end="2026-07-09", **GUARANTEED), version("b", "2026-07-09")],
        "agreements[0].guarantees[0].prorate",
        "`prorate: days`",
    ),
}


@pytest.mark.parametrize(("versions", "path", "remedy"), CASES.values(), ids=CASES)
def test_each_problem_of_versions_is_reported_at_its_place_with_a_remedy(versions, path, remedy):
    problems = validate(document(*versions))
    assert [each for each in problems if each.path == path and remedy in each.remedy], problems


def test_an_overlap_is_reported_once_and_makes_no_gap():
    (problem,) = validate(document(version("a"), version("b", CHANGE, "2026-08-01")))
    assert problem.path == "agreements[1].on"


def test_agreements_outside_a_design_are_checked_as_versions_too():
    with pytest.raises(InvalidDesign, match="let one follow the other"):
        agreements_of({"agreements": [version("a"), version("b", CHANGE)]})


def test_dates_that_are_not_given_are_in_no_content_hash():
    plain = from_document(SOUND).model_dump(mode="json", exclude_defaults=True)
    assert not any("valid_from" in each or "valid_until" in each for each in plain["agreements"])
