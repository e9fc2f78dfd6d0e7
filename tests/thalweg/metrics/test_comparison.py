"""Two designs: how far apart they are, and who would be better off under the other."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from thalweg.design import Design, from_document
from thalweg.metrics import Evidence, NodeKey, Reason, comparison, figures_of
from thalweg.metrics.comparison import design_distance
from worlds.roaming import document, flows

HERE = from_document(document())


def changed(**edits: Any) -> Design:
    """The design with another driver's price, host's percentage or name of the city."""
    other = copy.deepcopy(document())
    if "price" in edits:
        other["tariffs"][0]["unit_price"] = edits["price"]
    if "percent" in edits:
        other["agreements"][0]["steps"][0]["take"]["percent_of_gross"] = edits["percent"]
    if "drivers" in edits:
        other["drivers"] = other["drivers"][: edits["drivers"]]
    return from_document(other)


def test_a_design_is_no_distance_from_itself_whatever_its_names():
    renamed = from_document(document(id="other", name="Other"))
    assert design_distance(HERE, renamed) == 0


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({"price": "0.25"}, Fraction(1, 5) * Fraction(1, 2) * Fraction(1, 4) * Fraction(1, 2)),
        ({"drivers": 4}, Fraction(3, 10) * Fraction(1, 3) * Fraction(1, 5)),
    ],
)
def test_each_difference_counts_by_its_weight(edits, expected):
    assert design_distance(HERE, changed(**edits)) == design_distance(changed(**edits), HERE) == expected


def test_of_versions_those_in_force_last_are_compared_in_whatever_order_they_are_written():
    now = document()
    (agreement,) = now["agreements"]
    old = copy.deepcopy(agreement) | {"id": "old", "valid_until": "2026-07-01"}
    old["steps"][0]["take"]["percent_of_gross"] = "90"
    dated = agreement | {"valid_from": "2026-07-01"}
    one, other = (from_document(now | {"agreements": each}) for each in ([old, dated], [dated, old]))
    assert design_distance(one, other) == 0
    assert design_distance(one, changed(percent="90")) > design_distance(one, HERE) > 0


def test_designs_with_nothing_in_common_are_1_apart():
    other = document(agreements=[], chains=[])
    for section in ("nodes", "drivers", "interfaces", "meters", "exchanges", "tariffs", "extracts"):
        other[section] = [entry | {"id": f"x-{entry['id']}"} for entry in other[section]]

    def moved(value: Any) -> Any:
        names = {
            entry["id"][2:] for entry in (*other["nodes"], *other["exchanges"], *other["meters"], *other["interfaces"])
        }
        if isinstance(value, dict):
            keys = ("from", "to", "meter", "interface", "on", "exchange", "nodes", "exchanges", "owners", "indicator")
            return {key: moved(item) if key in keys else item for key, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        return f"x-{value}" if value in names else value

    apart = {
        section: moved(other[section]) for section in ("drivers", "interfaces", "exchanges", "tariffs", "extracts")
    }
    share = next(entry for entry in apart["exchanges"] if entry["id"] == "x-host-share")
    apart["exchanges"].remove(share)
    apart["extracts"][0]["exchanges"].remove("x-host-share")
    apart["drivers"] = [entry for entry in apart["drivers"] if entry["indicator"]["exchange"] != "x-host-share"]
    distant = from_document(other | apart)
    assert design_distance(HERE, distant) == design_distance(distant, HERE) == 1


def test_the_other_design_s_winners_and_losers():
    cheaper, here = changed(price="0.40"), figures_of(HERE, flows(HERE), NodeKey.ROLE)
    other = figures_of(cheaper, flows(cheaper), NodeKey.ROLE)
    seen = figures_of(HERE, flows(HERE), NodeKey.ROLE, evidence=Evidence(alternative=other))
    deltas = {key[0]: value.value for key, value in comparison.deltas(seen).items()}
    assert {node: delta for node, delta in deltas.items() if delta} == {"driver": Decimal(1), "emsp": Decimal(-1)}
    assert (comparison.winners(seen).value, comparison.losers(seen).value) == (1, 1)
    assert (comparison.pareto(seen).value, comparison.kaldor_hicks(seen).value) == (0, 0)
    assert comparison.distance(seen).value is not None
    for without in (comparison.distance, comparison.pareto, comparison.kaldor_hicks, comparison.winners):
        assert without(here).reason is Reason.NOT_GIVEN
