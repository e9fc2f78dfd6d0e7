"""A design is known by its content; a meter by what it measures."""

from __future__ import annotations

import json

import jsonschema
import pytest
from pydantic import ValidationError

from thalweg.design import Design, all_exchanges, completeness, content_hash, from_document, load
from thalweg.design.meters import Meter, meter_hash
from thalweg.design.roles import participant_of
from thalweg.design.text import parse
from thalweg.examples import example, names, text


def meter(**settings: object) -> Meter:
    return Meter.model_validate({"id": "m", "name": "M", "kind": "charging.session", "unit": "Wh"} | settings)


def test_the_same_meter_in_two_designs_has_the_same_hash():
    document = parse(text("ev-charging"))
    document["id"] = "another"
    document["meters"] = [entry | {"name": "Renamed"} for entry in document["meters"]]
    one, other = example("ev-charging"), from_document(document)
    assert content_hash(one) != content_hash(other)
    assert [meter_hash(entry) for entry in one.meters] == [meter_hash(entry) for entry in other.meters]


@pytest.mark.parametrize(
    "same",
    [{"id": "x", "name": "X"}, {"unit": "kWh"}, {"value": " quantity "}, {"value": "quantity"}, {"description": "d"}],
)
def test_what_does_not_change_the_measurement_does_not_change_the_hash(same):
    expected = meter_hash(meter())
    assert meter_hash(meter(**same)) == expected


@pytest.mark.parametrize(
    "different",
    [{"kind": "x"}, {"exchange": True}, {"where": "true"}, {"value": "1"}, {"unit": "s"}, {"group_by": ["emsp"]}],
)
def test_what_changes_the_measurement_changes_the_hash(different):
    assert meter_hash(meter(**different)) != meter_hash(meter())


def test_hashes_stay_what_they_are():
    # Stored quantities are filed under these: a change would orphan them.
    assert meter_hash(meter()) == "f4c512ad4a40c479d59731cedc6071b2"
    assert meter_hash(meter(group_by=["emsp"])) == "0fa6039051893fb3b7a12570b37e2f1d"


def test_layout_key_order_and_written_defaults_do_not_change_the_content_hash():
    document = parse(text("ev-charging"))
    document["exchanges"][0]["tangible"] = True
    reordered = json.dumps(dict(reversed(document.items())), indent=3)
    assert content_hash(load(reordered)) == content_hash(example("ev-charging"))


def test_a_design_can_be_written_and_read_again():
    design = example("ev-charging")
    assert load(design.model_dump_json(exclude_none=True)) == design


def test_a_design_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        example("ev-charging").name = "other"  # type: ignore[misc]


@pytest.mark.slow
def test_the_schema_accepts_the_examples_and_refuses_unknown_keys():
    schema = Design.model_json_schema()
    for name in names():
        document = parse(text(name))
        jsonschema.validate(document, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | {"colour": "red"}, schema)


def test_every_part_of_the_schema_is_explained():
    definitions = Design.model_json_schema()["$defs"]
    assert [name for name, part in definitions.items() if not part.get("description")] == []


def test_completeness_says_what_each_pillar_lacks():
    scores = {score.pillar: score for score in completeness(example("ev-charging"))}
    assert set(scores) == {"nodes", "drivers", "exchanges", "extracts"}
    assert float(scores["nodes"].score) == 1
    assert scores["drivers"].missing == {"charger": "owns no driver"}


def test_a_share_without_a_drawn_exchange_gets_an_implied_one():
    document = parse(text("ev-charging"))
    document["agreements"][0]["steps"].insert(0, {"id": "town", "take": {"percent_of_gross": 5}, "to": "city"})
    implied = set(all_exchanges(from_document(document))) - set(all_exchanges(example("ev-charging")))
    assert implied == {"_share.cpo.city"}


@pytest.mark.parametrize(
    ("role", "assigned", "attributes", "expected"),
    [
        ("host", {"host": "mall-42"}, {}, "mall-42"),
        ("host", {}, {}, "suspense:host"),
        ("cpo", {}, {}, "city-charge"),
        ("cpo", {"cpo": "other"}, {}, "other"),
        ("emsp", {}, {"emsp": "greenmile"}, "greenmile"),
        ("emsp", {"emsp": "fixed"}, {"emsp": "greenmile"}, "fixed"),
        ("emsp", {}, {"emsp": ""}, "suspense:emsp"),
        ("emsp", {}, {}, "suspense:emsp"),
        ("emsp", {}, {"emsp": "suspense:host"}, "suspense:emsp"),
    ],
)
def test_a_role_is_filled_by_assignment_then_design_then_event_else_vacant(role, assigned, attributes, expected):
    node = next(node for node in example("ev-charging").nodes if node.id == role)
    assert participant_of(node, assigned, attributes) == expected
