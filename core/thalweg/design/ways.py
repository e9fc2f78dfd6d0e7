"""The chains of a design, resolved: which exchanges and which roles each way of them needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from thalweg.design.chains import Alternative, Chain
from thalweg.design.exchanges import Exchange
from thalweg.design.fields import exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of a chain (AND): without any of its roles, it cannot be gone."""

    #: the chain's id, or that of the alternative
    id: str
    #: ids of its exchanges, money and the rest of its interfaces included
    exchanges: frozenset[str]
    #: the ends of these exchanges, and the roles that it names besides
    roles: frozenset[str]
    #: id of the meter that counts it; None for one that is only possible, and for chains that are not declared
    trigger: str | None = None
    #: what one occurrence of another way would be worth by this one, in the design's currency
    fallback: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchange is in the chains of a design."""

    chain: str
    way: Way


class Ways:
    """All chains of one design. Without declared ones, each interface is a chain, and each exchange in none is one."""

    def __init__(self, chains: Iterable[Chain], exchanges: Iterable[Exchange]) -> None:
        self._exchanges = {exchange.id: exchange for exchange in exchanges}
        self._bundles: defaultdict[str, set[str]] = defaultdict(set)
        for exchange in self._exchanges.values():
            if exchange.interface is not None:
                self._bundles[exchange.interface].add(exchange.id)
        declared = {chain.id: tuple(self._way(way) for way in chain.ways) for chain in chains}
        #: chain id → its ways, the chain's own first, then the alternatives in their order
        self.of: Mapping[str, tuple[Way, ...]] = declared or self._undeclared()
        #: exchange id → its place; money that no chain needs has none
        self.places: Mapping[str, Place] = {
            exchange: Place(chain, way)
            for chain, ways in reversed(self.of.items())
            for way in reversed(ways)
            for exchange in sorted(way.exchanges)
        }

    def roles(self, exchange_id: str) -> frozenset[str]:
        """All roles that the exchange's chain can need, by whichever way; at least the exchange's own two."""
        exchange = self._exchanges[exchange_id]
        place = self.places.get(exchange_id)
        ways = self.of[place.chain] if place else ()
        return frozenset({exchange.source, exchange.target}).union(*(way.roles for way in ways))

    def _way(self, way: Chain | Alternative) -> Way:
        fallback = exact(way.fallback) if way.fallback is not None else None
        return self._resolved(way.id, way.exchanges, way.nodes, way.trigger, fallback)

    def _resolved(
        self,
        way_id: str,
        named: Iterable[str],
        nodes: Iterable[str] = (),
        trigger: str | None = None,
        fallback: Fraction | None = None,
    ) -> Way:
        known = [self._exchanges[name] for name in named if name in self._exchanges]
        bundles = (self._bundles[exchange.interface] for exchange in known if exchange.interface is not None)
        ids = frozenset(exchange.id for exchange in known).union(*bundles)
        ends = (role for name in ids for role in (self._exchanges[name].source, self._exchanges[name].target))
        return Way(id=way_id, exchanges=ids, roles=frozenset(ends) | set(nodes), trigger=trigger, fallback=fallback)

    def _undeclared(self) -> dict[str, tuple[Way, ...]]:
        """Names that begin with `_` are reserved, so these can be nobody else's."""
        together = {f"_interface.{name}": ids for name, ids in self._bundles.items()}
        alone = {
            f"_exchange.{exchange.id}": {exchange.id}
            for exchange in self._exchanges.values()
            if exchange.interface is None and not exchange.is_money
        }
        return {name: (self._resolved(name, ids),) for name, ids in (together | alone).items()}
