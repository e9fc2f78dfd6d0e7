"""The value map: which participants exchange what, drawn from flows, and from the design where nothing flows yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from thalweg.design import all_exchanges
from thalweg.flows import Paths
from thalweg.integer_columns import Integers, Places, sum_by_place
from thalweg.metrics import METRICS
from thalweg.money import round_to_sum
from thalweg.units import in_unit
from thalweg_api import schemas
from thalweg_api.figures import Facts
from thalweg_store.arrival_reading import DeviceStatus
from thalweg_store.reading import RECENT

#: how many pairs of participants an exchange that does not occur is drawn between, at most
_MAX_DESIGNED_PAIRS: Final = 50
_RECENT_MINUTES: Final = int(RECENT.total_seconds() // 60)


class _Edge(NamedTuple):
    exchange: str
    source: str
    target: str


class _Sum(NamedTuple):
    worth_atoms: int = 0
    quantity: int = 0
    occurrences: int = 0
    recent: int = 0


@dataclass(slots=True)
class _Parties:
    """Who fills which role, as far as is known."""

    by_role: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, facts: Facts) -> _Parties:
        parties = cls()
        for role, participant in (*facts.flows.paths.parties, *facts.recent.paths.parties):
            parties.by_role[role].add(participant)
        for device in facts.devices:
            for role, participant in device.roles.items():
                parties.by_role[role].add(participant)
        for node in facts.design.nodes:
            if node.participant:
                parties.by_role[node.id].add(node.participant)
        return parties

    def filling(self, role: str) -> list[str]:
        """Participants of a role; `role:<id>` stands for one that nobody is known to fill."""
        return sorted(self.by_role.get(role, ())) or [f"role:{role}"]


def map_flows(facts: Facts) -> list[schemas.MapFlow]:
    """Every exchange between two participants: those that occurred, and those that the design says should."""
    sums = _sums(facts)
    designed = _designed_edges(facts, {edge.exchange for edge in sums})
    exchanges = all_exchanges(facts.design)
    answer = []
    for edge in sorted({*sums, *designed}):
        exchange, total = exchanges[edge.exchange], sums.get(edge, _Sum())
        answer.append(
            schemas.MapFlow(
                exchange=exchange.id,
                name=exchange.name,
                source=edge.source,
                target=edge.target,
                medium=schemas.Medium(exchange.medium),
                object=exchange.object,
                worth=facts.money(total.worth_atoms),
                quantity=in_unit(total.quantity, exchange.unit),
                unit=exchange.unit,
                occurrences=total.occurrences,
                occurrences_per_minute=Decimal(total.recent) / _RECENT_MINUTES,
                conformance=(
                    schemas.Conformance.CONFORMING if total.occurrences else schemas.Conformance.DESIGNED_ONLY
                ),
            )
        )
    return answer


def map_nodes(facts: Facts, flows: list[schemas.MapFlow]) -> list[schemas.MapNode]:
    """Every participant that a flow of the map touches."""
    roles = _roles_on_map(facts, flows)
    kinds = {node.id: node.kind for node in facts.design.nodes}
    capture_ratio = METRICS["m4"].of_node
    assert capture_ratio is not None
    names = facts.names
    contributed = round_to_sum(facts.figures.contributions)
    devices_of: defaultdict[str, list[DeviceStatus]] = defaultdict(list)
    for device in facts.devices:
        for participant in {device.operator, *device.roles.values()}:
            devices_of[participant].append(device)
    answer = []
    for participant in sorted(roles):
        account = facts.figures.account(participant)
        devices = devices_of[participant]
        share = capture_ratio(facts.figures, participant)
        answer.append(
            schemas.MapNode(
                id=participant,
                name=names.participant(participant),
                roles=sorted(roles[participant]),
                kind=kinds[min(roles[participant])],
                contributed=facts.money(contributed.get(participant, 0)),
                captured=facts.money(account.captured),
                share=schemas.Figure(metric="m4", value=share.value, unit="ratio", reason=share.reason),
                devices=len(devices),
                silent_devices=sum(facts.is_silent(device) for device in devices),
            )
        )
    return answer


def _sums(facts: Facts) -> dict[_Edge, _Sum]:
    numbers = facts.flows.numbers
    present = _by_edge(facts.flows.paths, numbers.v_to_atoms, numbers.quantity, numbers.occurrences)
    recent = _by_edge(*facts.recent)
    return {
        edge: _Sum(*present.get(edge, (0, 0, 0)), *recent.get(edge, (0,))) for edge in (present | recent)
    }  # fmt: skip


def _by_edge(paths: Paths, *columns: Integers) -> dict[_Edge, tuple[int, ...]]:
    edges, place_of = _edges(paths)
    sums = [sum_by_place(place_of, column, len(edges)) for column in columns]
    return dict(zip(edges, zip(*sums, strict=True), strict=True))


@lru_cache(maxsize=64)
def _edges(paths: Paths) -> tuple[tuple[_Edge, ...], Places]:
    """The edges, and the place of each path's."""
    found = [_Edge(path.exchange, path.source, path.target) for path in paths.listed]
    place_of = {edge: place for place, edge in enumerate(dict.fromkeys(found))}
    return tuple(place_of), np.array([place_of[edge] for edge in found], np.intp)


def _designed_edges(facts: Facts, occurring: set[str]) -> set[_Edge]:
    parties = _Parties.of(facts)
    edges: set[_Edge] = set()
    for exchange in all_exchanges(facts.design).values():
        if exchange.id in occurring:
            continue
        pairs = product(parties.filling(exchange.source), parties.filling(exchange.target))
        edges |= {_Edge(exchange.id, *pair) for pair, _ in zip(pairs, range(_MAX_DESIGNED_PAIRS), strict=False)}
    return edges


def _roles_on_map(facts: Facts, flows: list[schemas.MapFlow]) -> dict[str, set[str]]:
    exchanges = all_exchanges(facts.design)
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for flow in flows:
        roles[flow.source].add(exchanges[flow.exchange].source)
        roles[flow.target].add(exchanges[flow.exchange].target)
    return dict(roles)
