"""The value design as a whole: four pillars (nodes, drivers, exchanges, extracts) and what holds them together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thalweg.design.agreements import Agreement
from thalweg.design.chains import Chain
from thalweg.design.drivers import Driver
from thalweg.design.exchanges import Exchange, Interface
from thalweg.design.fields import Id, Name, Part, Text
from thalweg.design.meters import Meter, digest
from thalweg.design.nodes import Node
from thalweg.design.tariffs import Tariff


class Extract(Part):
    """A value extract: a named part of the design that can be looked at, or monetised, by itself.

    `thalweg.design.extracts` adds what its monetised exchanges depend on.
    """

    id: Id
    name: Name
    nodes: Annotated[tuple[Id, ...], Field(min_length=1)]
    """At any zoom level: a parent is seen as one, with all its parts."""
    exchanges: Annotated[tuple[Id, ...], Field(min_length=1)]
    description: Text | None = None


class Boundary(Part):
    """What belongs to the ecosystem. Flows across the boundary are imports and exports."""

    outside: tuple[Id, ...] = ()
    """Nodes that are the rest of the world."""


class Design(Part):
    """A value design document. Obtain one from `thalweg.design.load`, which checks that it is sound."""

    id: Id
    name: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    """Settlement currency, ISO 4217."""
    zone: Name
    """Time zone of periods, such as Europe/Helsinki."""
    description: Text | None = None
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]
    drivers: Annotated[tuple[Driver, ...], Field(min_length=1)]
    meters: Annotated[tuple[Meter, ...], Field(min_length=1)]
    interfaces: tuple[Interface, ...] = ()
    exchanges: Annotated[tuple[Exchange, ...], Field(min_length=1)]
    chains: tuple[Chain, ...] = ()
    """Without any, each interface is taken for a chain, and so is each exchange that is in none."""
    tariffs: tuple[Tariff, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    extracts: Annotated[tuple[Extract, ...], Field(min_length=1)]
    boundary: Boundary = Boundary()


def content_hash(design: Design) -> str:
    """32 hex digits over the design's canonical JSON; layout, comments and defaults written out do not count."""
    return digest(design.model_dump(mode="json", exclude_defaults=True))
