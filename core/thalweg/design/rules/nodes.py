"""Rules on value nodes: a forest, and attributes that fit the kind."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.draft import Draft
from thalweg.design.fields import exact
from thalweg.design.nodes import Cost, Node, NodeKind
from thalweg.design.rules.meters import unit_known
from thalweg.errors import Problem
from thalweg.units import REGISTRY


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    for path, node in draft.nodes.entries:
        if node.parent is not None:
            yield from draft.nodes.unknown(f"{path}.parent", node.parent)
            if node.id in ancestors(draft, node.id):
                yield Problem(
                    f"{path}.parent", f"{node.id!r} is inside itself", "give one node of the circle no parent"
                )
        if node.twin_of is not None:
            yield from draft.nodes.unknown(f"{path}.twin_of", node.twin_of)
        if node.participant is not None and node.from_attribute is not None:
            yield Problem(
                f"{path}.from_attribute",
                "a fixed participant leaves nothing for the attribute to name",
                "keep one of both",
            )
        yield from _fit_of_kind(path, node)
        if node.costs and node.id in draft.parents:
            yield Problem(f"{path}.costs", f"{node.id!r} has parts, which bear the costs", "give them to its parts")
        for number, cost in enumerate(node.costs):
            yield from _cost(draft, f"{path}.costs[{number}]", node, cost)


def _fit_of_kind(path: str, node: Node) -> Iterator[Problem]:
    for key, value, kind in (
        ("count", node.count, NodeKind.MARKET_SEGMENT),
        ("twin_of", node.twin_of, NodeKind.AVATAR),
        ("purpose", node.purpose, NodeKind.ORGANISATION),
    ):
        if value is not None and node.kind is not kind:
            yield Problem(f"{path}.{key}", f"only a node of kind {kind} has it", f"remove it, or make the kind {kind}")
    if node.kind is NodeKind.AVATAR and node.twin_of is None:
        yield Problem(f"{path}.twin_of", "an avatar stands for another node", "name the physical node")


def _cost(draft: Draft, path: str, node: Node, cost: Cost) -> Iterator[Problem]:
    if exact(cost.amount) < 0:
        yield Problem(f"{path}.amount", "a cost is not negative", "draw an exchange for what the node receives")
    if (cost.per is None) == (cost.meter is None):
        yield Problem(path, "it is either per period or per unit of a meter", "give `per` or `meter`, one of both")
    if cost.unit is not None:
        yield from unit_known(f"{path}.unit", cost.unit)
    if cost.meter is None:
        if cost.unit is not None:
            yield Problem(f"{path}.unit", "a cost per period has no unit", "remove it")
        return
    yield from draft.meters.unknown(f"{path}.meter", cost.meter)
    meter = draft.meters.get(cost.meter)
    if meter is None:
        return
    known = cost.unit in REGISTRY and meter.unit in REGISTRY
    if cost.unit is not None and known and REGISTRY[cost.unit].dimension != REGISTRY[meter.unit].dimension:
        remedy = f"use a unit that converts to {meter.unit}, or another meter"
        yield Problem(f"{path}.unit", f"its meter counts {meter.unit}, not {cost.unit}", remedy)
    if node.from_attribute is not None and node.from_attribute not in meter.group_by:
        message = f"the attribute {node.from_attribute!r} names who bears it, but meter {meter.id!r} mixes its values"
        yield Problem(f"{path}.meter", message, f"add {node.from_attribute} to the meter's `group_by`")


def ancestors(draft: Draft, node_id: str) -> list[str]:
    """The ids above a node, nearest first; ends where a circle closes."""
    found: list[str] = []
    node = draft.nodes.get(node_id)
    while node is not None and node.parent is not None and node.parent not in found:
        found.append(node.parent)
        node = draft.nodes.get(node.parent)
    return found
