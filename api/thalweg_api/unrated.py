"""What was measured and is in no share: quantities without a price, and charges that no agreement is on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from thalweg.flows import Flow, Flows
from thalweg.money import format_atoms
from thalweg.units import in_unit
from thalweg_api.names import Names
from thalweg_api.schemas import Unrated, Why


class _Key(NamedTuple):
    exchange: str
    source: str
    target: str


@dataclass(slots=True)
class _Sum:
    amount: int = 0
    occurrences: int = 0


def without_price(names: Names, flows: Iterable[Flow]) -> list[Unrated]:
    """What no tariff has a price for, by exchange, payer and payee; a quantity each."""
    parts = [(flow, flow.unrated_quantity, flow.unrated_occurrences) for flow in Flows.of(flows).unrated()]
    exchanges = {exchange.id: exchange for exchange in names.design.exchanges}
    return [
        _unrated(names, key, Why.NO_PRICE, in_unit(total.amount, exchange.unit), exchange.unit, total.occurrences)
        for key, total in _sums(parts).items()
        for exchange in [exchanges[key.exchange]]
    ]


def without_agreement(names: Names, flows: Iterable[Flow]) -> list[Unrated]:
    """Charges that no agreement is on, by exchange, payer and payee; an amount each."""
    design = names.design
    shared = {agreement.on for agreement in design.agreements}
    parts = [
        (flow, flow.money_atoms, flow.occurrences)
        for flow in flows
        if flow.money_atoms and flow.agreement is None and flow.exchange not in shared
    ]
    return [
        _unrated(names, key, Why.NOT_SHARED, amount, design.currency, total.occurrences)
        for key, total in _sums(parts).items()
        for amount in [Decimal(format_atoms(total.amount, design.currency))]
    ]


def _sums(parts: Iterable[tuple[Flow, int, int]]) -> dict[_Key, _Sum]:
    sums: defaultdict[_Key, _Sum] = defaultdict(_Sum)
    for flow, amount, occurrences in parts:
        total = sums[_Key(flow.exchange, flow.source, flow.target)]
        total.amount += amount
        total.occurrences += occurrences
    return dict(sorted(sums.items()))


def _unrated(names: Names, key: _Key, why: Why, amount: Decimal, unit: str, occurrences: int) -> Unrated:
    return Unrated(
        exchange=key.exchange,
        name=names.exchange(key.exchange),
        source=key.source,
        source_name=names.participant(key.source),
        target=key.target,
        target_name=names.participant(key.target),
        why=why,
        amount=amount,
        unit=unit,
        occurrences=occurrences,
    )
