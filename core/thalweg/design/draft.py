"""A document while it is checked: the parts that are readable, even where others are not.

So one mistake is reported once, and everything else is still checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from thalweg.design.agreements import Agreement, reached_by, recipients_of
from thalweg.design.chains import Chain
from thalweg.design.document import Boundary, Extract
from thalweg.design.drivers import Driver
from thalweg.design.exchanges import Exchange, Interface
from thalweg.design.meters import Meter
from thalweg.design.nodes import Node
from thalweg.design.shares import Ends, drawn_shares
from thalweg.design.tariffs import Tariff
from thalweg.design.ways import Ways
from thalweg.errors import Problem

#: how many known ids a remedy chooses from and names at most
_MOST_NAMED: Final = 50


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True)
class Section(Generic[T]):
    """One list of a document."""

    name: str
    #: path and item of each item that is valid by itself, in the document's order
    entries: tuple[tuple[str, T], ...]
    #: (path, id) of every item whose id can be read, valid or not
    ids: tuple[tuple[str, str], ...]
    #: False if some item is not valid, so that what is not found may be there all the same
    is_complete: bool

    @cached_property
    def _items(self) -> dict[str, T]:
        return {item.id: item for _, item in reversed(self.entries)}

    @cached_property
    def _known(self) -> dict[str, None]:
        return dict.fromkeys(sorted(item_id for _, item_id in self.ids))

    def get(self, item_id: str | None) -> T | None:
        """The first valid item of that id, or None."""
        return self._items.get(item_id) if item_id is not None else None

    def unknown(self, path: str, item_id: str) -> Iterator[Problem]:
        """A problem at `path` if no item has this id."""
        if item_id not in self._known:
            some = list(self._known)[:_MOST_NAMED]
            close = difflib.get_close_matches(item_id, some, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(some) or '(none yet)'}"
            yield Problem(path, f"{item_id!r} is not among the {self.name}", f"{hint}; or add it to `{self.name}`")


@dataclass(frozen=True)
class Draft:
    """What could be read of a document."""

    currency: str | None
    zone: str | None
    boundary: Boundary
    nodes: Section[Node]
    drivers: Section[Driver]
    meters: Section[Meter]
    interfaces: Section[Interface]
    exchanges: Section[Exchange]
    chains: Section[Chain]
    tariffs: Section[Tariff]
    agreements: Section[Agreement]
    extracts: Section[Extract]

    @property
    def sections(self) -> tuple[Section[Any], ...]:
        """All lists whose items have ids."""
        return (
            self.nodes,
            self.drivers,
            self.meters,
            self.interfaces,
            self.exchanges,
            self.chains,
            self.tariffs,
            self.agreements,
            self.extracts,
        )

    def meter_of(self, exchange: Exchange) -> Meter | None:
        """The meter that measures `exchange`: its own, or its interface's; None if there is no valid one."""
        if exchange.meter is not None:
            return self.meters.get(exchange.meter)
        interface = self.interfaces.get(exchange.interface)
        return self.meters.get(interface.meter) if interface else None

    @cached_property
    def charged(self) -> frozenset[str]:
        """Ids of the exchanges that a tariff charges."""
        return frozenset(tariff.on for _, tariff in self.tariffs.entries)

    def may_be_charged(self, exchange_id: str) -> bool:
        """True if a tariff charges the exchange, or one that is not valid might."""
        return exchange_id in self.charged or not self.tariffs.is_complete

    @cached_property
    def drawn_shares(self) -> Mapping[Ends, list[Exchange]]:
        """The money exchanges that are for shares, by payee and recipient."""
        return drawn_shares((exchange for _, exchange in self.exchanges.entries), self.charged)

    @cached_property
    def recipients(self) -> Mapping[str, frozenset[str]]:
        """Exchange id → the roles that the agreements on it share with, through pools too."""
        found: dict[str, frozenset[str]] = {}
        agreements = [agreement for _, agreement in self.agreements.entries]
        for agreement in agreements:
            if agreement.on is not None:
                roles = recipients_of(agreement, agreements)
                found[agreement.on] = found.get(agreement.on, frozenset()) | roles
        return found

    def fed_payees(self, exchange_id: str) -> frozenset[str]:
        """The roles that are paid the charges of other agreements that those on the exchange feed."""
        agreements = [agreement for _, agreement in self.agreements.entries]
        fed = {each.on for own in agreements if own.on == exchange_id for each in reached_by(own, agreements)}
        return frozenset(exchange.target for _, exchange in self.exchanges.entries if exchange.id in fed)

    @cached_property
    def bundles(self) -> Mapping[str, frozenset[str]]:
        """Interface id → the roles at the ends of its exchanges."""
        found: dict[str, frozenset[str]] = {}
        for _, exchange in self.exchanges.entries:
            if exchange.interface is not None:
                ends = frozenset({exchange.source, exchange.target})
                found[exchange.interface] = found.get(exchange.interface, frozenset()) | ends
        return found

    @cached_property
    def ways(self) -> Ways:
        """What the chains need."""
        return Ways((chain for _, chain in self.chains.entries), (exchange for _, exchange in self.exchanges.entries))

    @cached_property
    def parents(self) -> frozenset[str]:
        """Ids of the nodes that other nodes are parts of."""
        return frozenset(node.parent for _, node in self.nodes.entries if node.parent)


def draft_of(document: Mapping[str, Any]) -> Draft:
    """Read each part of `document` by itself."""
    currency, zone = document.get("currency"), document.get("zone")
    return Draft(
        currency=currency if isinstance(currency, str) else None,
        zone=zone if isinstance(zone, str) else None,
        boundary=_valid(Boundary, document.get("boundary")) or Boundary(),
        nodes=_section(document, "nodes", Node),
        drivers=_section(document, "drivers", Driver),
        meters=_section(document, "meters", Meter),
        interfaces=_section(document, "interfaces", Interface),
        exchanges=_section(document, "exchanges", Exchange),
        chains=_section(document, "chains", Chain),
        tariffs=_section(document, "tariffs", Tariff),
        agreements=_section(document, "agreements", Agreement),
        extracts=_section(document, "extracts", Extract),
    )


M = TypeVar("M", bound=BaseModel)


def _section(document: Mapping[str, Any], name: str, model: type[Any]) -> Section[Any]:
    raw = document.get(name)
    items = raw if isinstance(raw, list | tuple) else ()
    valid = ((f"{name}[{number}]", _valid(model, item)) for number, item in enumerate(items))
    ids = (
        (f"{name}[{number}].id", item["id"])
        for number, item in enumerate(items)
        if isinstance(item, Mapping) and isinstance(item.get("id"), str)
    )
    entries = tuple((path, item) for path, item in valid if item is not None)
    return Section(name, entries, tuple(ids), is_complete=len(entries) == len(items))


def _valid(model: type[M], raw: object) -> M | None:
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None
