"""Rules on exchanges and interfaces: between known leaves, measured, in units that fit, valued unless money."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from thalweg.design.draft import Draft
from thalweg.design.exchanges import Exchange, Method
from thalweg.design.fields import exact
from thalweg.design.rules.meters import unit_known
from thalweg.errors import Problem
from thalweg.units import REGISTRY

#: what the 5-3-1 scale knows
_SCALE: Final = (5, 3, 1)


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    for path, interface in draft.interfaces.entries:
        if interface.meter is not None:
            yield from draft.meters.unknown(f"{path}.meter", interface.meter)
        if all(exchange.interface != interface.id for _, exchange in draft.exchanges.entries):
            yield Problem(path, "no exchange belongs to it", "name it in an exchange's `interface`, or remove it")
    for path, exchange in draft.exchanges.entries:
        for key, role in (("from", exchange.source), ("to", exchange.target)):
            yield from leaf_known(draft, f"{path}.{key}", role)
        if exchange.meter is not None:
            yield from draft.meters.unknown(f"{path}.meter", exchange.meter)
        if exchange.interface is not None:
            yield from draft.interfaces.unknown(f"{path}.interface", exchange.interface)
        yield from unit_known(f"{path}.unit", exchange.unit)
        yield from _money(draft, path, exchange)
        yield from _measured(draft, path, exchange)
        yield from _kept_apart(draft, path, exchange)
        if exchange.expected is not None and exact(exchange.expected.occurrences) < 0:
            yield Problem(f"{path}.expected.occurrences", "nothing occurs less than never", "write 0 or more")
        for key, side in (("v_from", exchange.v_from), ("v_to", exchange.v_to)):
            if side is not None and side.method is Method.UNVALUED and exact(side.amount) != 0:
                remedy = 'say by which `method` it was found, or write "0"'
                yield Problem(f"{path}.{key}.amount", "an open value has no amount", remedy)
            if side is not None and side.method is Method.SCALE_5_3_1 and exact(side.amount) not in _SCALE:
                remedy = 'write "5" for much, "3" for some, "1" for little'
                yield Problem(f"{path}.{key}.amount", "the 5-3-1 scale has three points", remedy)


def leaf_known(draft: Draft, path: str, role: str) -> Iterator[Problem]:
    """A problem at `path` unless `role` is a node without parts."""
    yield from draft.nodes.unknown(path, role)
    if role in draft.parents:
        yield Problem(path, f"{role!r} has parts, and only leaves give and receive", "name one of its parts")


def may_be_share(draft: Draft, exchange: Exchange) -> bool:
    """True if an agreement pays along the money exchange, or one that is not valid might."""
    if exchange.id in draft.charged:
        return False
    paid_along = any(
        exchange.target in recipients
        for paid_id, recipients in draft.recipients.items()
        if (paid := draft.exchanges.get(paid_id)) and paid.target == exchange.source
    )
    return paid_along or not draft.agreements.is_complete


def _money(draft: Draft, path: str, exchange: Exchange) -> Iterator[Problem]:
    if not exchange.is_money:
        return
    for key in ("v_from", "v_to"):
        if getattr(exchange, key) is not None:
            yield Problem(
                f"{path}.{key}", "money is worth its amount to both sides", "remove it; a tariff gives the amount"
            )
    if not draft.may_be_charged(exchange.id) and not may_be_share(draft, exchange):
        yield Problem(
            path, "nothing gives this money an amount", "add a tariff `on` it, or an agreement that pays along it"
        )


def _measured(draft: Draft, path: str, exchange: Exchange) -> Iterator[Problem]:
    if exchange.is_money and may_be_share(draft, exchange):
        return
    if exchange.meter is not None:
        meter = draft.meters.get(exchange.meter)
        if exchange.ratio is not None:
            yield Problem(f"{path}.ratio", "an exchange with a meter of its own needs no ratio", "remove one of both")
        if meter and not _same_dimension(exchange.unit, meter.unit):
            remedy = f"use a unit that converts to {meter.unit}, or another meter"
            yield Problem(f"{path}.unit", f"its meter counts {meter.unit}, not {exchange.unit}", remedy)
        return
    interface = draft.interfaces.get(exchange.interface)
    if exchange.interface is None or (interface and interface.meter is None):
        remedy = "give it a `meter`, or an `interface` that has one and a `ratio`"
        yield Problem(f"{path}.meter", "nothing measures this exchange", remedy)
    elif exchange.ratio is None:
        remedy = "say how many of its units go with one unit of the interface's meter"
        yield Problem(f"{path}.ratio", "an exchange without a meter of its own needs a ratio", remedy)
    elif exact(exchange.ratio) <= 0:
        yield Problem(f"{path}.ratio", "it is not positive", 'write a positive number, such as "1"')


def _kept_apart(draft: Draft, path: str, exchange: Exchange) -> Iterator[Problem]:
    """Roles that an event attribute fills need that attribute in the meter's groups, in the whole bundle and chain."""
    meter = draft.meter_of(exchange)
    if meter is None or (exchange.is_money and exchange.id not in draft.charged):
        return
    bundle = draft.bundles[exchange.interface] if exchange.interface is not None else frozenset()
    chain = draft.ways.roles(exchange.id) if not exchange.is_money else frozenset()
    ends = {exchange.source, exchange.target}
    roles = ends | bundle | chain | draft.recipients.get(exchange.id, frozenset()) | draft.fed_payees(exchange.id)
    for role in sorted(roles):
        node = draft.nodes.get(role)
        if node and node.from_attribute and node.from_attribute not in meter.group_by:
            message = (
                f"the attribute {node.from_attribute!r} names who is {role!r}, but meter {meter.id!r} mixes its values"
            )
            yield Problem(f"{path}.meter", message, f"add {node.from_attribute} to the meter's `group_by`")


def _same_dimension(one: str, other: str) -> bool:
    known = one in REGISTRY and other in REGISTRY
    return not known or REGISTRY[one].dimension == REGISTRY[other].dimension
