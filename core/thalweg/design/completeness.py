"""How complete each pillar of a design is: a score, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange, Method
from thalweg.design.extracts import required_closure


@dataclass(frozen=True, slots=True)
class PillarScore:
    """The completeness of one pillar."""

    pillar: str
    #: 0 to 1: the part of the pillar's elements that lack nothing
    score: Fraction
    #: element id → what it lacks
    missing: Mapping[str, str]


def completeness(design: Design) -> tuple[PillarScore, ...]:
    """One score for each of nodes, drivers, exchanges and extracts; the design must be valid."""
    parents = {node.parent for node in design.nodes}
    leaves = [node.id for node in design.nodes if node.id not in parents]
    ends = {role for exchange in design.exchanges for role in (exchange.source, exchange.target)}
    owners = {owner for driver in design.drivers for owner in driver.owners}
    exchanges = [exchange.id for exchange in design.exchanges]
    unvalued = {exchange.id for exchange in design.exchanges if not _is_valued(exchange)}
    return (
        _score("nodes", leaves, {leaf for leaf in leaves if leaf not in ends}, "gives and receives nothing"),
        _score("drivers", leaves, {leaf for leaf in leaves if leaf not in owners}, "owns no driver"),
        _score("exchanges", exchanges, unvalued, "what it is worth to one of its sides is open"),
        _extracts(design),
    )


def _extracts(design: Design) -> PillarScore:
    """Exchanges should be in an extract, and extracts should name all that their monetised exchanges depend on."""
    selected = {exchange for extract in design.extracts for exchange in extract.exchanges}
    missing = {exchange.id: "is in no extract" for exchange in design.exchanges if exchange.id not in selected}
    for extract in design.extracts:
        needed = required_closure(design, extract).exchanges - set(extract.exchanges)
        if needed:
            missing[extract.id] = f"does not name what it depends on: {', '.join(sorted(needed))}"
    count = len(design.exchanges) + len(design.extracts)
    return PillarScore("extracts", Fraction(count - len(missing), count), missing)


def _score(pillar: str, elements: list[str], lacking: set[str], what: str) -> PillarScore:
    score = Fraction(len(elements) - len(lacking), len(elements))
    return PillarScore(pillar, score, {element: what for element in elements if element in lacking})


def _is_valued(exchange: Exchange) -> bool:
    valuations = (exchange.v_from, exchange.v_to)
    return exchange.is_money or all(side is not None and side.method is not Method.UNVALUED for side in valuations)
