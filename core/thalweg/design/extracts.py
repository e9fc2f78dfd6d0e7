"""What a value extract needs besides what it names: everything that its monetised exchanges depend on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thalweg.design.agreements import recipients_of
from thalweg.design.document import Design, Extract
from thalweg.design.forest import Forest
from thalweg.design.shares import share_exchanges
from thalweg.design.ways import Ways


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of a design: leaves and exchanges, by id."""

    nodes: frozenset[str]
    exchanges: frozenset[str]


def selected(design: Design, extract: Extract) -> Selection:
    """What the extract names, its nodes as their leaves."""
    forest = Forest(design.nodes)
    leaves = frozenset(leaf for node in extract.nodes for leaf in forest.leaves_of(node))
    return Selection(leaves, frozenset(extract.exchanges))


def required_closure(design: Design, extract: Extract) -> Selection:
    """What the extract names and all that its monetised exchanges depend on, over any number of steps.

    A monetised exchange depends on the rest of its chain's way; a charge that is shared, on the charges taken off
    before; a share, on the charge that feeds it.
    """
    own = selected(design, extract)
    needed = _dependencies(design, own.exchanges & monetised(design))
    roles = {exchange.id: {exchange.source, exchange.target} for exchange in design.exchanges}
    ends = (roles[exchange] for exchange in own.exchanges | needed)
    ways = Ways(design.chains, design.exchanges)
    besides = (ways.places[exchange].way.roles for exchange in needed if exchange in ways.places)
    return Selection(own.nodes.union(*ends, *besides), own.exchanges | needed)


def monetised(design: Design) -> frozenset[str]:
    """The exchanges that are money, or are handed over in an interface that contains money."""
    paid = {exchange.interface for exchange in design.exchanges if exchange.is_money} - {None}
    return frozenset(exchange.id for exchange in design.exchanges if exchange.is_money or exchange.interface in paid)


def _dependencies(design: Design, begin: Iterable[str]) -> frozenset[str]:
    """The exchanges that those of `begin` depend on, themselves included."""
    ways = Ways(design.chains, design.exchanges)
    fed_by = _feeding(design)
    money = monetised(design)
    found: set[str] = set()
    open_ones = set(begin)
    while open_ones:
        exchange = open_ones.pop()
        found.add(exchange)
        needed = set(fed_by.get(exchange, ()))
        if exchange in money and exchange in ways.places:
            needed |= ways.places[exchange].way.exchanges
        open_ones |= needed - found
    return frozenset(found)


def _feeding(design: Design) -> dict[str, set[str]]:
    """Money exchange → the charges that its amount is made from."""
    fed: dict[str, set[str]] = {}
    payees = {exchange.id: exchange.target for exchange in design.exchanges}
    along = share_exchanges(design)
    for agreement in design.agreements:
        if agreement.on is None:
            continue  # a pool pays by the agreements that fill it
        for recipient in recipients_of(agreement, design.agreements) - {payees[agreement.on]}:
            share = along[payees[agreement.on], recipient]
            fed.setdefault(share.id, set()).update({agreement.on, *agreement.deductions})
    return fed
