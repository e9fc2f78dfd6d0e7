"""Rules on chains: every exchange but money in exactly one, set in motion by a meter that measures it."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.chains import Alternative, Chain
from thalweg.design.draft import Draft
from thalweg.design.exchanges import Exchange
from thalweg.design.fields import exact
from thalweg.design.rules.exchanges import leaf_known
from thalweg.errors import Problem


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    claimed: dict[str, str] = {}
    for path, chain in draft.chains.entries:
        names: set[str] = set()
        for place, way in _ways(path, chain):
            if way.id in names:
                yield Problem(f"{place}.id", f"the id {way.id!r} is taken by another way", "choose another id")
            names.add(way.id)
            yield from _way(draft, place, way)
            yield from _claims(draft, place, way, claimed)
    if claimed and draft.chains.is_complete:
        yield from _unclaimed(draft, claimed)
    yield from _valued_twice(draft)


def _ways(path: str, chain: Chain) -> Iterator[tuple[str, Chain | Alternative]]:
    yield path, chain
    for number, alternative in enumerate(chain.alternatives):
        yield f"{path}.alternatives[{number}]", alternative


def _way(draft: Draft, path: str, way: Chain | Alternative) -> Iterator[Problem]:
    for number, name in enumerate(way.exchanges):
        yield from draft.exchanges.unknown(f"{path}.exchanges[{number}]", name)
    for number, role in enumerate(way.nodes):
        yield from leaf_known(draft, f"{path}.nodes[{number}]", role)
    if way.fallback is not None and exact(way.fallback) < 0:
        yield Problem(f"{path}.fallback", "nobody falls back on a loss", "write an amount of 0 or more, or remove it")
    if way.trigger is not None:
        yield from draft.meters.unknown(f"{path}.trigger", way.trigger)
        yield from _triggered(draft, path, way, way.trigger)
    elif way.fallback is None:
        yield Problem(path, "it is neither gone nor a way to fall back on", "give it a `trigger`, a `fallback` or both")
    if not way.exchanges and not way.nodes:
        yield Problem(path, "it needs nobody", "name its `exchanges` or its `nodes`")


def _triggered(draft: Draft, path: str, way: Chain | Alternative, trigger: str) -> Iterator[Problem]:
    exchanges = [exchange for name in way.exchanges if (exchange := draft.exchanges.get(name))]
    if len(exchanges) < len(way.exchanges):
        return  # what is unknown or invalid may be the one that is measured
    meters = [draft.meter_of(exchange) for exchange in exchanges if not exchange.is_money]
    if not any(meter is not None and meter.id == trigger for meter in meters):
        remedy = f"name one with `meter: {trigger}`, or the meter of one of its exchanges as `trigger`"
        yield Problem(f"{path}.trigger", f"no exchange but money is measured by {trigger!r}", remedy)


def _claims(draft: Draft, path: str, way: Chain | Alternative, claimed: dict[str, str]) -> Iterator[Problem]:
    bundles = set()
    for number, name in enumerate(way.exchanges):
        exchange = draft.exchanges.get(name)
        if exchange is None or exchange.is_money:
            continue
        bundles.add(exchange.interface)
        if name in claimed:
            message = f"{name!r} belongs to {claimed[name]} already"
            yield Problem(f"{path}.exchanges[{number}]", message, "leave it in one chain")
        claimed.setdefault(name, path)
    for _, exchange in draft.exchanges.entries:
        apart = exchange.interface is not None and exchange.interface in bundles and exchange.id not in way.exchanges
        if apart and not exchange.is_money:
            message = f"{exchange.id!r} is in the interface {exchange.interface!r}, whose exchanges occur together"
            yield Problem(f"{path}.exchanges", message, f"add {exchange.id!r}")


def _unclaimed(draft: Draft, claimed: dict[str, str]) -> Iterator[Problem]:
    for path, exchange in draft.exchanges.entries:
        if not exchange.is_money and exchange.id not in claimed:
            yield Problem(path, f"{exchange.id!r} belongs to no chain", "add it to the `exchanges` of a chain")


def _valued_twice(draft: Draft) -> Iterator[Problem]:
    """What is handed on is valued once, at its final use: whoever hands it on may count it at cost, and no higher."""
    places = draft.ways.places
    given: dict[tuple[str, str], list[Exchange]] = {}
    for _, exchange in draft.exchanges.entries:
        given.setdefault((exchange.source, exchange.object), []).append(exchange)
    for path, exchange in draft.exchanges.entries:
        worth = exact(exchange.v_to.amount) if exchange.v_to else 0
        for onward in given.get((exchange.target, exchange.object), ()):
            same = onward.medium is exchange.medium and onward.unit == exchange.unit and not exchange.is_money
            together = exchange.id in places and places.get(onward.id) == places[exchange.id]
            cost = exact(onward.v_from.amount) if onward.v_from else 0
            if same and together and worth > cost:
                message = f"{exchange.target!r} hands it on by {onward.id!r}, so that its use would be valued twice"
                yield Problem(f"{path}.v_to", message, f"write at most what {onward.id!r} has as `v_from`")
