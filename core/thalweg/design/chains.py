"""Chains: the exchanges that one triggering event sets in motion, and the other ways of getting the same done."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from thalweg.design.fields import DecimalText, Id, Name, Part, Text

#: every alternative doubles the coalitions to look at; a handful is what a reader can follow
MOST_ALTERNATIVES: Final = 8


class Alternative(Part):
    """Another way (OR) of what a chain does. All its exchanges and nodes are needed (AND)."""

    id: Id
    name: Name
    trigger: Id | None = None
    """The meter that counts the events that took this way; none for a way that is only possible."""
    exchanges: tuple[Id, ...] = ()
    """What this way sets in motion; each that is not money belongs to this way alone."""
    nodes: tuple[Id, ...] = ()
    """Roles that it needs besides the ends of its exchanges."""
    fallback: DecimalText | None = None
    """What one occurrence of another way of the chain would be worth if it had to go this way, in the design's
    currency; none if it cannot stand in."""


class Chain(Part):
    """A dependency path: all its exchanges (AND) follow from one triggering event, or from none."""

    id: Id
    name: Name
    trigger: Id
    """The meter that counts the events which set the chain in motion; one of its exchanges is measured by it."""
    exchanges: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Each exchange that is not money belongs to exactly one chain. Money may be named, to say whom it depends on."""
    nodes: tuple[Id, ...] = ()
    """Roles that the chain needs besides the ends of its exchanges."""
    fallback: DecimalText | None = None
    """What one occurrence of an alternative would be worth if it had to go this way."""
    alternatives: Annotated[tuple[Alternative, ...], Field(max_length=MOST_ALTERNATIVES)] = ()
    description: Text | None = None

    @property
    def ways(self) -> tuple[Chain | Alternative, ...]:
        """The chain's own way, then its alternatives, best first."""
        return (self, *self.alternatives)
