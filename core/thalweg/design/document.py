"""The value design as a whole: four pillars (nodes, drivers, exchanges, extracts) and what holds them together."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from thalweg.design.exchanges import Exchange, Interface
from thalweg.design.fields import DecimalText, Id, Name, Part, Positive, Text
from thalweg.design.meters import Meter, digest
from thalweg.design.nodes import Node
from thalweg.design.terms import Agreement, Tariff


class Direction(StrEnum):
    """Where a driver's indicator should go."""

    HIGHER = "higher"
    LOWER = "lower"
    BAND = "band"


class Indicator(Part):
    """What a driver watches: one figure of one exchange."""

    exchange: Id
    figure: Literal["quantity", "occurrences", "worth"]
    """Its quantity in the declared unit, how often it occurred, or what it was worth to the receiver."""


class Driver(Part):
    """A value driver: individual with one owner, shared with two or more."""

    id: Id
    name: Name
    owners: Annotated[tuple[Id, ...], Field(min_length=1)]
    indicator: Indicator
    baseline: DecimalText
    target: DecimalText
    """For a band, its lower end."""
    target_upper: DecimalText | None = None
    """The upper end of a band."""
    direction: Direction = Direction.HIGHER
    weight: Positive = 1
    description: Text | None = None

    @property
    def is_shared(self) -> bool:
        """True with two or more owners."""
        return len(self.owners) > 1


class Extract(Part):
    """A value extract: a named part of the design that can be looked at, or monetised, by itself."""

    id: Id
    name: Name
    nodes: Annotated[tuple[Id, ...], Field(min_length=1)]
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
    tariffs: tuple[Tariff, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    extracts: Annotated[tuple[Extract, ...], Field(min_length=1)]
    boundary: Boundary = Boundary()


def content_hash(design: Design) -> str:
    """32 hex digits over the design's canonical JSON; layout, comments and defaults written out do not count."""
    return digest(design.model_dump(mode="json", exclude_defaults=True))
