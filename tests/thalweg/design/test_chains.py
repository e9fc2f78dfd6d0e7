"""Chains, closures and the forest: what depends on what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from thalweg.design import Design, completeness, from_document, validate
from thalweg.design.extracts import monetised, required_closure, selected
from thalweg.design.forest import Forest
from thalweg.design.ways import Ways
from thalweg.examples import example
from worlds.roaming import BY_CARD, OTHERS, ROAMING, document, whole_document

Document = dict[str, Any]
SIX = {"driver", "emsp", "hub", "cpo", "energy", "host"}


def with_chain(**changes: Any) -> Document:
    return document(chains=[ROAMING | changes, *OTHERS])


def with_alternative(**changes: Any) -> Document:
    return with_chain(alternatives=[BY_CARD | changes])


def edited(change: Callable[[Document], object], base: Document | None = None) -> Document:
    found = base or document()
    change(found)
    return found


CASES = [
    ("unknown exchange", with_chain(exchanges=["clearin"]), "chains[0].exchanges[0]", "did you mean 'clearing'"),
    ("unknown trigger", with_chain(trigger="session"), "chains[0].trigger", "did you mean 'sessions'"),
    ("trigger of others", with_chain(trigger="occupancy"), "chains[0].trigger", "the meter of one of its exchanges"),
    ("unknown node", with_chain(nodes=["hubb"]), "chains[0].nodes[0]", "did you mean 'hub'"),
    ("negative fallback", with_alternative(fallback="-1"), "chains[0].alternatives[0].fallback", "0 or more"),
    ("idle alternative", with_alternative(fallback=None), "chains[0].alternatives[0]", "a `trigger`, a `fallback`"),
    ("needs nobody", with_alternative(nodes=[]), "chains[0].alternatives[0]", "its `exchanges` or its `nodes`"),
    ("name of a way twice", with_alternative(id="roaming"), "chains[0].alternatives[0].id", "another id"),
    (
        "in two chains",
        document(chains=[ROAMING, OTHERS[0] | {"exchanges": ["session-data", "site"]}, OTHERS[1]]),
        "chains[1].exchanges[1]",
        "leave it in one chain",
    ),
    ("in no chain", document(chains=[ROAMING, OTHERS[1]]), "exchanges[10]", "`exchanges` of a chain"),
    (
        "half an interface",
        document(chains=[ROAMING, *OTHERS[:1], OTHERS[1] | {"exchanges": ["occupancy-data"]}]),
        "chains[2].exchanges",
        "add 'kerb-benefit'",
    ),
    (
        "attribute not kept apart",
        with_chain(exchanges=[*ROAMING["exchanges"], "occupancy-data", "kerb-benefit"]),
        "exchanges[11].meter",
        "add emsp to the meter's `group_by`",
    ),
    (
        "cost of a group",
        edited(
            lambda d: (
                d["nodes"].append({"id": "g", "name": "G", "kind": "group", "costs": [{"name": "x", "amount": "1"}]}),
                d["nodes"][6].update(parent="g"),
            )
        ),
        "nodes[8].costs",
        "give them to its parts",
    ),
    (
        "cost of nothing",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "1"}])),
        "nodes[3].costs[0]",
        "`per` or `meter`",
    ),
    (
        "negative cost",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "-1", "per": "day"}])),
        "nodes[3].costs[0].amount",
        "draw an exchange",
    ),
    (
        "cost of an unknown meter",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "1", "meter": "energi"}])),
        "nodes[3].costs[0].meter",
        "did you mean 'energy'",
    ),
    (
        "cost in another unit",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "1", "meter": "energy", "unit": "min"}])),
        "nodes[3].costs[0].unit",
        "converts to Wh",
    ),
    (
        "unit of a fixed cost",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "1", "per": "day", "unit": "h"}])),
        "nodes[3].costs[0].unit",
        "remove it",
    ),
    (
        "cost of whom",
        edited(lambda d: d["nodes"][1].update(costs=[{"name": "x", "amount": "1", "meter": "occupancy"}])),
        "nodes[1].costs[0].meter",
        "add emsp",
    ),
    (
        "unknown period",
        edited(lambda d: d["nodes"][3].update(costs=[{"name": "x", "amount": "1", "per": "moon"}])),
        "nodes[3].costs[0].per",
        "'month'",
    ),
    (
        "negative scenario",
        edited(lambda d: d["exchanges"][3].update(expected={"occurrences": "-1", "per": "day"})),
        "exchanges[3].expected.occurrences",
        "0 or more",
    ),
    (
        "open value with an amount",
        edited(lambda d: d["exchanges"][3].update(v_to={"amount": "1", "method": "unvalued"})),
        "exchanges[3].v_to.amount",
        "`method`",
    ),
    (
        "valued twice",
        edited(
            lambda d: (
                d["exchanges"][5].update(object="range", v_to={"amount": "0.50", "method": "willingness_to_pay"}),
                d["exchanges"][1].update(object="range", v_from={"amount": "0.30", "method": "avoided_cost"}),
            )
        ),
        "exchanges[5].v_to",
        "at most what 'charging-service' has as `v_from`",
    ),
    (
        "threshold",
        edited(lambda d: d["drivers"][0].update(threshold="2")),
        "drivers[0].threshold",
        "1 for the target",
    ),
    (
        "baseline in the band",
        edited(lambda d: d["drivers"][0].update(direction="band", target="500", target_upper="900")),
        "drivers[0].baseline",
        "correct",
    ),
    (
        "expression over nothing",
        edited(
            lambda d: d["drivers"][0].update(
                indicator={"sum": [d["drivers"][0]["indicator"], {"exchange": "x", "figure": "worth"}]}
            )
        ),
        "drivers[0].indicator.sum[1].exchange",
        "`exchanges`",
    ),
    (
        "unknown figure in an expression",
        edited(
            lambda d: d["drivers"][0].update(
                indicator={"ratio": [d["drivers"][0]["indicator"], {"exchange": "site", "figure": "wort"}]}
            )
        ),
        "drivers[0].indicator.ratio[1].figure",
        "'worth'",
    ),
]


@pytest.mark.parametrize(("found", "path", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_problem_is_reported_at_its_place_with_a_remedy(found, path, remedy):
    problems = validate(found)
    assert [problem for problem in problems if problem.path == path and remedy in problem.remedy], problems


@pytest.mark.parametrize("sound", [document(), with_alternative(), with_alternative(trigger=None)])
def test_declared_chains_are_sound(sound):
    assert validate(sound) == ()


def test_what_is_handed_on_may_be_carried_through_at_cost():
    carried = {"amount": "0.30", "method": "avoided_cost"}
    found = document()
    found["exchanges"][5] |= {"object": "range", "v_to": carried}
    found["exchanges"][1] |= {"object": "range", "v_from": carried}
    assert validate(found) == ()


@pytest.mark.slow
def test_the_schema_accepts_everything_that_a_document_may_declare():
    schema = Design.model_json_schema()
    jsonschema.validate(whole_document(), schema)
    wrong = whole_document()
    wrong["chains"][0]["alternatives"][0]["fall_back"] = "1"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_without_declared_chains_each_interface_and_each_lone_exchange_is_one():
    design = example("ev-charging")
    ways = Ways(design.chains, design.exchanges)
    assert set(ways.of) == {"_interface.roaming-session", "_interface.kerb-data", "_exchange.session-data"}
    assert ways.roles("clearing") == SIX
    assert ways.roles("session-data") == {"charger", "cpo"}


def test_a_declared_chain_needs_all_roles_of_its_interfaces_and_can_go_other_ways():
    design = from_document(with_alternative(nodes=["driver", "city"]))
    ways = Ways(design.chains, design.exchanges)
    own, by_card = ways.of["roaming"]
    assert (own.id, own.roles, own.trigger) == ("roaming", SIX, "sessions")
    assert "host-share" in own.exchanges  # money of the same interface depends on the same roles
    assert by_card.roles == {"driver", "city"}
    assert ways.roles("clearing") == SIX | {"city"}
    assert ways.places["kerb-benefit"].chain == "kerbs"


def design_with_extract(within: list[str], exchanges: list[str], **changes: Any) -> Design:
    extract = {"id": "part", "name": "Part", "nodes": within, "exchanges": exchanges}
    return from_document(document(extracts=[extract], **changes))


def test_a_monetised_exchange_needs_its_whole_chain():
    design = design_with_extract(["driver", "emsp"], ["charging-service"])
    closure = required_closure(design, design.extracts[0])
    assert closure.nodes == SIX
    assert closure.exchanges >= {"charging-fee", "electricity", "host-share", "operator-fee"}
    assert "occupancy-data" not in closure.exchanges


def test_an_exchange_that_nobody_pays_for_needs_its_ends_only():
    design = design_with_extract(["cpo"], ["occupancy-data"])
    closure = required_closure(design, design.extracts[0])
    assert (closure.nodes, closure.exchanges) == ({"cpo", "city"}, {"occupancy-data"})


def test_a_share_needs_the_charge_that_feeds_it_and_what_is_taken_off_before():
    found = document(chains=[])
    for entry in found["exchanges"]:
        if entry["medium"] == "money":
            entry.pop("interface")
    extract = {"id": "part", "name": "Part", "nodes": ["host"], "exchanges": ["host-share"]}
    design = from_document(found | {"extracts": [extract]})
    closure = required_closure(design, design.extracts[0])
    assert closure.exchanges == {"host-share", "operator-fee", "energy-cost"}
    assert closure.nodes == {"host", "cpo", "emsp", "energy"}


def test_monetised_is_what_an_interface_with_money_contains():
    assert monetised(example("ev-charging")).isdisjoint({"session-data", "occupancy-data", "kerb-benefit"})
    assert len(monetised(example("ev-charging"))) == 10


def test_an_extract_names_parents_for_all_their_parts():
    nodes = document()["nodes"] + [{"id": "grid", "name": "Grid", "kind": "group"}]
    for node in nodes:
        if node["id"] in {"energy", "cpo"}:
            node["parent"] = "grid"
    design = design_with_extract(["grid"], ["electricity"], nodes=nodes)
    assert selected(design, design.extracts[0]).nodes == {"energy", "cpo"}
    forest = Forest(design.nodes)
    assert forest.leaves_of("grid") == ["cpo", "energy"]
    assert forest.above("cpo") == ["grid"]
    assert "grid" not in forest.leaves


def test_completeness_names_extracts_that_lack_what_they_depend_on():
    whole = {score.pillar: score for score in completeness(example("ev-charging"))}
    assert whole["extracts"].score == 1
    design = design_with_extract(["driver", "emsp"], ["charging-service"])
    lacking = {score.pillar: score for score in completeness(design)}["extracts"]
    assert lacking.missing["part"].startswith("does not name what it depends on: ")
    assert "electricity" in lacking.missing["part"]
