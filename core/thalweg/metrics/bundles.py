"""Whether the bundles of a design occur whole: the counts that metric m13 is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.meters import meter_hash
from thalweg.design.ratios import measure_of
from thalweg.metrics.evidence import BundleCounts
from thalweg.rating import Quantity


def bundles_of(design: Design, quantities: Iterable[Quantity]) -> Mapping[str, BundleCounts]:
    """Interface → its counts, where all meters of its exchanges group by its correlation attribute.

    Others tell no occurrence from another. An occurrence is one value of the attribute; one that the window cuts in two
    is incomplete in it.
    """
    groups: dict[str, set[tuple[str, ...]]] = {}
    for each in quantities:
        groups.setdefault(each.meter_hash, set()).add(each.group)
    found = {}
    for interface in design.interfaces:
        needed = _needed(design, interface.id)
        if interface.correlation is None or not needed:
            continue
        meters = {exchange.id: measure_of(design, exchange)[0] for exchange in needed}
        if any(interface.correlation not in meter.group_by for meter in meters.values()):
            continue
        found[interface.id] = bundle_counts(
            design,
            interface.id,
            (
                (group[meter.group_by.index(interface.correlation)], exchange)
                for exchange, meter in meters.items()
                for group in groups.get(meter_hash(meter), ())
            ),
        )
    return found


def bundle_counts(design: Design, interface: str, seen: Iterable[tuple[str, str]]) -> BundleCounts:
    """Counts of one interface from (value of its correlation attribute, exchange) of every event after its time-out."""
    needed = {exchange.id for exchange in _needed(design, interface)}
    occurrences: dict[str, set[str]] = {}
    for correlation, exchange in seen:
        if exchange in needed:
            occurrences.setdefault(correlation, set()).add(exchange)
    return BundleCounts(
        complete=sum(exchanges == needed for exchanges in occurrences.values()), occurred=len(occurrences)
    )


def _needed(design: Design, interface: str) -> list[Exchange]:
    """Shares of agreements follow their charge and need no event of their own."""
    charged = {tariff.on for tariff in design.tariffs}
    return [
        exchange
        for exchange in design.exchanges
        if exchange.interface == interface and (not exchange.is_money or exchange.id in charged)
    ]
