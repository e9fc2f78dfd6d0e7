"""The ecosystems that ship are complete designs, and each counterfactual can be compared over the same history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thalweg.design import completeness
from thalweg.design.text import parse
from thalweg.examples import example, text
from thalweg.mapping import compile_plan

ECOSYSTEMS = {"ev-charging": "charger", "scooters": "scooter", "air-quality": "sensor"}
GUIDES = Path(__file__).parents[3] / "docs" / "examples"
COUNTERFACTUALS = {"scooters-per-trip": "scooters", "air-quality-by-reading": "air-quality"}


@pytest.mark.parametrize("name", [*ECOSYSTEMS, *COUNTERFACTUALS])
def test_only_machines_have_no_driver_and_nothing_else_is_missing(name):
    machine = ECOSYSTEMS[COUNTERFACTUALS.get(name, name)]
    missing = {score.pillar: dict(score.missing) for score in completeness(example(name))}
    assert missing == {"nodes": {}, "drivers": {machine: "owns no driver"}, "exchanges": {}, "extracts": {}}


@pytest.mark.parametrize(("counterfactual", "name"), COUNTERFACTUALS.items())
def test_a_counterfactual_measures_the_same_by_the_same_meters(counterfactual, name):
    own, other = compile_plan(example(counterfactual)).meters, compile_plan(example(name)).meters
    assert [meter.hash for meter in own] == [meter.hash for meter in other]


def test_scooters_per_trip_differ_in_the_street_fee_alone():
    document, other = parse(text("scooters")), parse(text("scooters-per-trip"))
    assert {key for key in document if document[key] != other[key]} == {
        "id",
        "name",
        "exchanges",
        "tariffs",
        "extracts",
    }
    for key in ("exchanges", "tariffs"):
        changed = [own["id"] for own, its in zip(document[key], other[key], strict=True) if own != its]
        assert changed == [{"exchanges": "street-fee", "tariffs": "street-price"}[key]]


def test_payment_by_reading_differs_in_what_members_receive_alone():
    document, other = parse(text("air-quality")), parse(text("air-quality-by-reading"))
    dividends = {"dividend-ann", "dividend-ben", "dividend-cem", "dividend"}
    own, its = (
        {each["id"]: each for each in one["exchanges"] if each["id"] not in dividends} for one in (document, other)
    )
    assert own == its
    assert {key for key in document if document[key] != other[key]} == {
        "id",
        "name",
        "nodes",
        "drivers",
        "exchanges",
        "agreements",
        "extracts",
    }


@pytest.mark.parametrize("name", ECOSYSTEMS)
def test_each_ecosystem_has_a_guide_that_leads_to_its_designs_and_tests(name):
    guide = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", guide)
    tests = re.findall(r"`(tests/[\w/]+\.py)`", guide)
    designs = {name, *(other for other, of in COUNTERFACTUALS.items() if of == name)}
    assert {Path(link).stem for link in links} >= designs
    assert tests
    assert [link for link in links if not (GUIDES / link).exists()] == []
    assert [test for test in tests if not (GUIDES.parents[1] / test).exists()] == []
