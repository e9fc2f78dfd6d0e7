"""The figures of an extract: its flows, what they depend on, at the zoom levels that it names."""

from __future__ import annotations

from decimal import Decimal

from thalweg.costs import NodeCost
from thalweg.design import Design, from_document, validate
from thalweg.metrics import METRICS, extract_figures
from worlds.roaming import document, flows


def design(nodes: list[str], exchanges: list[str]) -> Design:
    found = document(extracts=[{"id": "part", "name": "Part", "nodes": nodes, "exchanges": exchanges}])
    found["nodes"].append({"id": "supply", "name": "Supply", "kind": "group"})
    for node in found["nodes"]:
        if node["id"] in {"cpo", "energy", "host"}:
            node["parent"] = "supply"
    return from_document(found)


def value(name: str, seen: Design) -> Decimal | None:
    compute = METRICS[name].of_design
    assert compute is not None
    return compute(extract_figures(seen, seen.extracts[0], flows(seen))).value


def test_an_extract_has_the_figures_of_its_flows_and_of_what_they_depend_on():
    data = design(["cpo", "city", "charger"], ["session-data", "occupancy-data", "kerb-benefit"])
    assert value("m1", data) == Decimal("0.15")
    assert value("m32", data) == 0
    paid = design(["driver", "emsp"], ["charging-service"])
    assert value("m1", paid) == Decimal("3.70")
    assert value("m6", paid) == Decimal("5.00")
    assert value("m32", paid) == 100
    assert value("m33", paid) == Decimal("80.645161290323")


def test_an_extract_sees_the_parents_that_it_names_as_one():
    seen = design(["driver", "emsp", "supply"], ["charging-service"])
    found = extract_figures(seen, seen.extracts[0], flows(seen))
    assert set(found.accounts) == {"driver", "emsp", "hub", "supply"}
    assert found.account("supply").captured == 105_000_000  # with no part in the data for the city
    assert sum(account.captured for account in found.accounts.values()) == found.created


def test_an_extract_bears_the_costs_of_its_own_nodes():
    seen = design(["charger"], ["session-data"])
    costs = [NodeCost("cpo", "city-charge", 500_000), NodeCost("hub", "roam-hub", 10**9)]
    assert extract_figures(seen, seen.extracts[0], flows(seen), costs=costs).created == 1_500_000


def test_an_extract_names_no_node_inside_another():
    found = document()
    found["nodes"].append({"id": "supply", "name": "Supply", "kind": "group"})
    found["nodes"][3]["parent"] = "supply"
    found["extracts"][0]["nodes"].append("supply")
    assert [problem.path for problem in validate(found)] == ["extracts[0].nodes[3]"]
