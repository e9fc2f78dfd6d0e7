"""Rules on value nodes: a forest, and attributes that fit the kind."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.draft import Draft
from thalweg.design.nodes import Node, NodeKind
from thalweg.errors import Problem


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


def ancestors(draft: Draft, node_id: str) -> list[str]:
    """The ids above a node, nearest first; ends where a circle closes."""
    found: list[str] = []
    node = draft.nodes.get(node_id)
    while node is not None and node.parent is not None and node.parent not in found:
        found.append(node.parent)
        node = draft.nodes.get(node.parent)
    return found
