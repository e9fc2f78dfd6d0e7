"""The validator names every problem of a document at once, with its place and what to do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from thalweg.design import InvalidDesign, from_document, load, validate
from thalweg.design.text import parse
from thalweg.examples import text

Document = dict[str, Any]
SOUND: Document = parse(text("ev-charging"))


def changed(change: Callable[[Document], object]) -> Document:
    document = copy.deepcopy(SOUND)
    change(document)
    return document


def node(**settings: Any) -> Document:
    return {"id": "extra", "name": "Extra", "kind": "organisation"} | settings


def exchange(**settings: Any) -> Document:
    return {"id": "extra", "name": "Extra", "from": "cpo", "to": "city", "object": "x", "medium": "data"} | settings


def meter(**settings: Any) -> Document:
    return {"id": "extra", "name": "Extra", "kind": "extra", "unit": "count"} | settings


def agreement(**settings: Any) -> Document:
    rest = {"id": "rest", "take": "remainder", "to": "emsp"}
    return {"id": "extra", "on": "charging-fee", "steps": [rest]} | settings


def step(percent: object, to: object = "city", name: str = "one") -> Document:
    return {"id": name, "take": {"percent_of_gross": percent}, "to": to}


REST = {"id": "rest", "take": "remainder", "to": "emsp"}

CASES: list[tuple[str, Callable[[Document], object], str, str]] = [
    ("unknown key", lambda d: d["exchanges"][3].update(untis="kWh"), "exchanges[3].untis", "did you mean 'unit'"),
    ("unknown key at the top", lambda d: d.update(tarifs=[]), "tarifs", "did you mean 'tariffs'"),
    ("missing key", lambda d: d["exchanges"][3].pop("from"), "exchanges[3].from", "add `from:`"),
    ("wrong id", lambda d: d["nodes"][0].update(id="Driver_1"), "nodes[0].id", "1 to 32 lower-case letters"),
    ("unknown word", lambda d: d["exchanges"][0].update(medium="gold"), "exchanges[0].medium", "'money'"),
    ("empty pillar", lambda d: d.update(extracts=[]), "extracts", "at least one entry"),
    ("absent pillar", lambda d: d.pop("drivers"), "drivers", "add `drivers:`"),
    ("float", lambda d: d["tariffs"][0].update(unit_price=0.5), "tariffs[0].unit_price", 'in quotes, such as "0.50"'),
    ("no number", lambda d: d["tariffs"][0].update(unit_price="5 c"), "tariffs[0].unit_price", "plain decimal"),
    ("currency", lambda d: d.update(currency="EUX"), "currency", "ISO 4217"),
    ("currency's form", lambda d: d.update(currency="euro"), "currency", "ISO 4217"),
    ("zone", lambda d: d.update(zone="Europe/Berln"), "zone", "Europe/Helsinki"),
    ("duplicate id", lambda d: d["nodes"].append(node(id="cpo")), "nodes[8].id", "another id"),
    ("boundary", lambda d: d["boundary"]["outside"].append("mars"), "boundary.outside[0]", "add it to `nodes`"),
    ("unknown parent", lambda d: d["nodes"].append(node(parent="cpoo")), "nodes[8].parent", "did you mean 'cpo'"),
    (
        "circle of parents",
        lambda d: d["nodes"].extend([node(id="a", parent="b"), node(id="b", parent="a")]),
        "nodes[9].parent",
        "no parent",
    ),
    ("unknown twin", lambda d: d["nodes"].append(node(kind="avatar", twin_of="x")), "nodes[8].twin_of", "`nodes`"),
    ("avatar without twin", lambda d: d["nodes"].append(node(kind="avatar")), "nodes[8].twin_of", "physical node"),
    ("count of a firm", lambda d: d["nodes"].append(node(count=3)), "nodes[8].count", "market_segment"),
    ("two fillers", lambda d: d["nodes"][1].update(participant="x"), "nodes[1].from_attribute", "keep one"),
    ("unknown giver", lambda d: d["exchanges"][3].update({"from": "hubb"}), "exchanges[3].from", "did you mean 'hub'"),
    ("parent gives", lambda d: d["nodes"].append(node(parent="cpo")), "exchanges[4].to", "one of its parts"),
    (
        "unknown meter",
        lambda d: d["exchanges"][3].update(meter="x"),
        "exchanges[3].meter",
        "energy, occupancy, sessions",
    ),
    ("unknown interface", lambda d: d["exchanges"][3].update(interface="x"), "exchanges[3].interface", "kerb-data"),
    ("unknown unit", lambda d: d["exchanges"][3].update(unit="piece"), "exchanges[3].unit", "use one of Wh"),
    ("unit mismatch", lambda d: d["exchanges"][3].update(unit="kWh"), "exchanges[3].unit", "converts to count"),
    (
        "value of money",
        lambda d: d["exchanges"][0].update(v_from={"amount": "1", "method": "tariff"}),
        "exchanges[0].v_from",
        "remove it",
    ),
    ("money without amount", lambda d: d["tariffs"].pop(), "exchanges[6]", "add a tariff"),
    ("unmetered", lambda d: d["exchanges"].append(exchange()), "exchanges[13].meter", "`interface` that has one"),
    (
        "interface without meter",
        lambda d: d["interfaces"][1].pop("meter"),
        "exchanges[12].meter",
        "`interface` that has one",
    ),
    ("no ratio", lambda d: d["exchanges"][12].pop("ratio"), "exchanges[12].ratio", "how many of its units"),
    ("ratio of nothing", lambda d: d["exchanges"][12].update(ratio="0"), "exchanges[12].ratio", "positive"),
    ("ratio too many", lambda d: d["exchanges"][3].update(ratio="1"), "exchanges[3].ratio", "remove one"),
    (
        "payers mixed",
        lambda d: d["exchanges"].append(exchange(to="emsp", meter="occupancy")),
        "exchanges[13].meter",
        "add emsp to the meter's `group_by`",
    ),
    ("lonely interface", lambda d: d["interfaces"].append({"id": "x", "name": "X"}), "interfaces[2]", "remove it"),
    ("broken condition", lambda d: d["meters"][2].update(where="a =="), "meters[2].where", "CEL"),
    ("unknown variable", lambda d: d["meters"][2].update(where="price > 1"), "meters[2].where", "CEL"),
    ("unknown function", lambda d: d["meters"][1].update(value="double(quantity)"), "meters[1].value", "CEL"),
    (
        "meter twice",
        lambda d: d["meters"].append(meter(**SOUND["meters"][0]) | {"id": "x"}),
        "meters[3]",
        "use 'energy'",
    ),
    ("group twice", lambda d: d["meters"].append(meter(group_by=["a", "a"])), "meters[3].group_by", "once"),
    ("unit of a meter", lambda d: d["meters"].append(meter(unit="kwh")), "meters[3].unit", "use one of Wh"),
    ("tariff on nothing", lambda d: d["tariffs"][0].update(on="fee"), "tariffs[0].on", "`exchanges`"),
    ("tariff on data", lambda d: d["tariffs"][0].update(on="session-data"), "tariffs[0].on", "a money exchange"),
    ("two tariffs", lambda d: d["tariffs"].append(SOUND["tariffs"][0] | {"id": "x"}), "tariffs[4].on", "one tariff"),
    ("no price", lambda d: d["tariffs"][0].pop("unit_price"), "tariffs[0]", "`unit_price`, `flat` or both"),
    ("agreement on nothing", lambda d: d["agreements"][0].update(on="fee"), "agreements[0].on", "`exchanges`"),
    ("agreement on data", lambda d: d["agreements"].append(agreement(on="site")), "agreements[1].on", "money exchange"),
    ("on a share", lambda d: d["agreements"].append(agreement(on="host-share")), "agreements[1].on", "add a tariff"),
    (
        "claimed twice",
        lambda d: d["agreements"].append(agreement(on="operator-fee")),
        "agreements[1].on",
        "into one agreement",
    ),
    (
        "no remainder",
        lambda d: d["agreements"].append(agreement(steps=[step(10)])),
        "agreements[1].steps[0].take",
        "`take: remainder`",
    ),
    (
        "early remainder",
        lambda d: d["agreements"].append(agreement(steps=[REST, REST | {"id": "b"}])),
        "agreements[1].steps[0].take",
        "the last step",
    ),
    (
        "over 100 percent",
        lambda d: d["agreements"].append(agreement(steps=[step(60), step("40.5", name="two"), REST])),
        "agreements[1].steps",
        "lower the percentages",
    ),
    (
        "negative percent",
        lambda d: d["agreements"].append(agreement(steps=[step(-1), REST])),
        "agreements[1].steps[0].take.percent_of_gross",
        "a percentage",
    ),
    (
        "unknown take",
        lambda d: d["agreements"].append(agreement(steps=[step(1) | {"take": {"percent": 1}}, REST])),
        "agreements[1].steps[0].take.percent",
        "spelling",
    ),
    (
        "step id twice",
        lambda d: d["agreements"].append(agreement(steps=[step(1), step(2), REST])),
        "agreements[1].steps[1].id",
        "another id",
    ),
    (
        "unknown recipient",
        lambda d: d["agreements"].append(agreement(steps=[step(1, "town"), REST])),
        "agreements[1].steps[0].to",
        "`nodes`",
    ),
    (
        "unknown recipient in a split",
        lambda d: d["agreements"].append(agreement(steps=[step(1, {"split": {"city": 1, "town": 2}}), REST])),
        "agreements[1].steps[0].to.split.town",
        "`nodes`",
    ),
    (
        "negative weight",
        lambda d: d["agreements"].append(agreement(steps=[step(1, {"split": {"city": "-1", "hub": 2}}), REST])),
        "agreements[1].steps[0].to.split.city",
        "0 or more",
    ),
    (
        "no weight",
        lambda d: d["agreements"].append(agreement(steps=[step(1, {"split": {"city": 0}}), REST])),
        "agreements[1].steps[0].to",
        "positive weight",
    ),
    (
        "two ways of a share",
        lambda d: d["exchanges"].append(exchange(medium="money", to="host")),
        "agreements[0].steps[0].to",
        "keep one",
    ),
    (
        "net of nothing",
        lambda d: d["agreements"][0].update(base={"net_of": ["tax"]}),
        "agreements[0].base.net_of[0]",
        "`exchanges`",
    ),
    (
        "net of itself",
        lambda d: d["agreements"][0].update(base={"net_of": ["operator-fee"]}),
        "agreements[0].base.net_of[0]",
        "another money exchange",
    ),
    (
        "net of another's cost",
        lambda d: d["agreements"][0].update(base={"net_of": ["roaming-fee"]}),
        "agreements[0].base.net_of[0]",
        "'cpo' pays",
    ),
    (
        "net of it twice",
        lambda d: d["agreements"][0].update(base={"net_of": ["energy-cost", "energy-cost"]}),
        "agreements[0].base.net_of[1]",
        "once",
    ),
    (
        "net of what is not kept apart",
        lambda d: (
            d["meters"].append(meter(unit="Wh")),
            d["exchanges"][6].update(meter="extra", interface=None),
        ),
        "agreements[0].base.net_of[0]",
        "add emsp to the `group_by` of 'extra'",
    ),
    ("unknown base", lambda d: d["agreements"][0].update(base="net"), "agreements[0].base", "use 'gross'"),
    ("unknown owner", lambda d: d["drivers"][0].update(owners=["x"]), "drivers[0].owners[0]", "`nodes`"),
    ("owner twice", lambda d: d["drivers"][0].update(owners=["cpo", "cpo"]), "drivers[0].owners[1]", "once"),
    (
        "owner in owner",
        lambda d: (d["nodes"].append(node(parent="city")), d["drivers"][4]["owners"].append("extra")),
        "drivers[4].owners[2]",
        "keep one",
    ),
    (
        "watches nothing",
        lambda d: d["drivers"][0]["indicator"].update(exchange="x"),
        "drivers[0].indicator.exchange",
        "`exch",
    ),
    ("target behind", lambda d: d["drivers"][0].update(target="500"), "drivers[0].target", "`direction`"),
    ("open band", lambda d: d["drivers"][0].update(direction="band"), "drivers[0].target_upper", "upper end"),
    ("end without band", lambda d: d["drivers"][0].update(target_upper="999"), "drivers[0].target_upper", "band"),
    ("extract of nobody", lambda d: d["extracts"][0]["nodes"].append("x"), "extracts[0].nodes[6]", "`nodes`"),
    ("extract of nothing", lambda d: d["extracts"][0]["exchanges"].append("x"), "extracts[0].exchanges[10]", "`exch"),
]


def test_the_example_has_no_problem():
    assert validate(SOUND) == ()


@pytest.mark.parametrize(("change", "path", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_problem_is_reported_at_its_place_with_a_remedy(change, path, remedy):
    problems = validate(changed(change))
    assert [problem for problem in problems if problem.path == path and remedy in problem.remedy], problems


def test_all_problems_of_structure_and_meaning_are_reported_at_once():
    document = changed(
        lambda d: (
            d["nodes"][0].update(colour="red"),
            d["exchanges"][3].update({"from": "nobody"}),
            d["meters"][2].update(where="attributes."),
            d["tariffs"][0].update(unit_price=0.5),
        )
    )
    paths = [problem.path for problem in validate(document)]
    assert paths == ["exchanges[3].from", "meters[2].where", "nodes[0].colour", "tariffs[0].unit_price"]


def test_an_invalid_item_is_not_reported_again_by_those_who_refer_to_it():
    problems = validate(changed(lambda d: d["nodes"][3].update(kind="firm")))
    assert [problem.path for problem in problems] == ["nodes[3].kind"]


def test_the_error_lists_every_problem_readably():
    document = changed(lambda d: (d["tariffs"][0].update(on="fee"), d.update(currency="EUX")))
    with pytest.raises(InvalidDesign) as refusal:
        from_document(document)
    lines = str(refusal.value).splitlines()
    assert lines[0] == f"the design has {len(refusal.value.problems)} problems:"
    assert any("currency: unknown currency 'EUX' → use a code" in line for line in lines)
    assert any("tariffs[0].on: 'fee' is not among the exchanges → " in line for line in lines)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("id: [", "line 1"),
        ("- a\n- b", "no table"),
        ("", "no table"),
        ("id: a\nid: b", "line 2, column 1: the key 'id' is given twice"),
        ("a: &x [1]\nb: *x", "aliases"),
        pytest.param("[" * 5_000, "too deeply", marks=pytest.mark.slow),
        ("a: " + "x" * 1_000_001, "characters"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: !!float 0.5", "tags"),
        ("? [a]\n: b", "a key must be text"),
    ],
)
def test_text_that_is_no_document_says_what_is_wrong_with_it(broken, message):
    with pytest.raises(InvalidDesign, match=r"1 problem") as refusal:
        load(broken)
    assert message in str(refusal.value)


def test_yaml_keeps_on_as_a_key_and_numbers_as_they_are_written():
    assert parse("{on: x, price: 0.50, day: 2026-01-01, yes: no, n: 10, t: true}") == {
        "on": "x",
        "price": "0.50",
        "day": "2026-01-01",
        "yes": "no",
        "n": 10,
        "t": True,
    }
