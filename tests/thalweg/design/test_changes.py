"""Changes between designs: nothing where nothing changed, else every part and value by pillar."""

from __future__ import annotations

import pytest

from thalweg.design import load
from thalweg.design.changes import PILLARS, Change, FieldChange, changes
from thalweg.design.document import Design
from thalweg.design.text import parse
from thalweg.examples import example, names, text

DESIGN = text("ev-charging")


def changed(old: str, new: str) -> dict[str, tuple[Change, ...]]:
    assert old in DESIGN
    found = changes(load(DESIGN), load(DESIGN.replace(old, new)))
    return {pillar: each for pillar, each in found.items() if each}


@pytest.mark.parametrize("name", names())
def test_a_design_does_not_differ_from_itself(name):
    assert not any(changes(example(name), example(name)).values())


def test_every_section_of_a_design_belongs_to_a_pillar():
    assert {name for sections in PILLARS.values() for name in sections} == set(Design.model_fields)


def test_a_changed_price_is_told_from_what_to_what():
    found = changed('on: charging-fee, unit_price: "0.50"', 'on: charging-fee, unit_price: "0.45"')
    assert found == {
        "exchanges": (Change("tariffs", "driver-price", "changed", (FieldChange("unit_price", "0.50", "0.45"),)),)
    }


def test_a_changed_take_is_told_with_its_step_and_a_default_that_is_written_out_is_no_change():
    found = changed("percent_of_gross: 10}", "percent_of_gross: 20}")
    assert found["exchanges"][0].fields == (FieldChange("steps[host].take.percent_of_gross", "10", "20"),)
    assert not changed("name: Charging fee\n", "name: Charging fee\n    maturity: active\n")


def test_parts_are_added_and_removed_in_both_directions():
    bigger = DESIGN.replace("boundary:\n  outside: []", "boundary: {outside: [city]}").replace(
        "tariffs:\n", 'tariffs:\n  - {id: host-fee, on: host-share, unit_price: "0.01"}\n'
    )
    one, other = load(DESIGN), Design.model_validate(load(DESIGN).model_dump(mode="json") | _parts(bigger))
    there, back = changes(one, other), changes(other, one)
    assert there["exchanges"] == (Change("tariffs", "host-fee", "added"),)
    assert back["exchanges"] == (Change("tariffs", "host-fee", "removed"),)
    assert there["nodes"] == (Change("boundary", None, "changed", (FieldChange("outside", [], ["city"]),)),)


def test_steps_in_another_order_are_a_change():
    one = load(DESIGN)
    agreement = one.agreements[0]
    turned = agreement.model_copy(update={"steps": agreement.steps[::-1]})
    found = changes(one, one.model_copy(update={"agreements": (turned,)}))["exchanges"]
    assert found[0].fields == (FieldChange("steps in order", ["host", "rest"], ["rest", "host"]),)


def _parts(document: str) -> dict[str, object]:
    """The sections that need not be sound together."""
    plain = parse(document)
    return {name: plain[name] for name in ("tariffs", "boundary")}
