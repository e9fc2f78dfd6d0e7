"""The forest of value nodes: what is part of what, and views of it at mixed zoom levels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from thalweg.design.nodes import Node
from thalweg.errors import DesignError


class Forest:
    """Value nodes by their parents."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """The nodes of a valid design: parents are known and nobody is inside itself."""
        self._parents = {node.id: node.parent for node in nodes}
        self._inner = {parent for parent in self._parents.values() if parent is not None}

    @property
    def leaves(self) -> list[str]:
        """The nodes without parts, which give and receive, in the design's order."""
        return [node for node in self._parents if node not in self._inner]

    @property
    def root(self) -> str | None:
        """The node that all others are inside of; None where there is no such one."""
        roots = [node for node, parent in self._parents.items() if parent is None]
        return roots[0] if len(roots) == 1 and roots[0] in self._inner else None

    def above(self, node: str) -> list[str]:
        """The nodes that `node` is a part of, nearest first."""
        found: list[str] = []
        parent = self._parents.get(node)
        while parent is not None:
            found.append(parent)
            parent = self._parents.get(parent)
        return found

    def leaves_of(self, node: str) -> list[str]:
        """The leaves within `node`; a leaf is its own."""
        return [leaf for leaf in self.leaves if leaf == node or node in self.above(leaf)]

    def cut(self, nodes: Collection[str]) -> Mapping[str, str]:
        """Leaf → the node that it is seen as: the one of `nodes` that it is inside of, otherwise itself.

        Raises DesignError where a node is unknown or inside another one of `nodes`.
        """
        for node in nodes:
            if node not in self._parents:
                raise DesignError(f"{node!r} is no node of the design")
            if outer := [other for other in self.above(node) if other in nodes]:
                raise DesignError(f"{node!r} is inside {outer[0]!r}: name one of both")
        return {leaf: next((node for node in self.above(leaf) if node in nodes), leaf) for leaf in self.leaves}
