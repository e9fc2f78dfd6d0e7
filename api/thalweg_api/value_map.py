"""The value map: which participants exchange what, drawn from flows, and from the design where nothing flows yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Final, NamedTuple

from thalweg.design import all_exchanges
from thalweg.metrics import METRICS
from thalweg.money import round_to_sum
from thalweg.rating import Flow
from thalweg.units import in_unit
from thalweg_api import schemas
from thalweg_api.figures import Facts
from thalweg_store.reading import RECENT

#: how many pairs of participants an exchange that does not occur is drawn between, at most
_MAX_DESIGNED_PAIRS: Final = 50
_RECENT_MINUTES: Final = int(RECENT.total_seconds() // 60)


class _Edge(NamedTuple):
    exchange: str
    source: str
    target: str


@dataclass(slots=True)
class _Sum:
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
        for flow in (*facts.flows, *facts.recent):
            parties.by_role[flow.source_role].add(flow.source)
            parties.by_role[flow.target_role].add(flow.target)
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
    contributed = round_to_sum(facts.figures.contributions)
    answer = []
    for participant in sorted(roles):
        account = facts.figures.account(participant)
        devices = [each for each in facts.devices if participant in (each.operator, *each.roles.values())]
        share = capture_ratio(facts.figures, participant)
        answer.append(
            schemas.MapNode(
                id=participant,
                name=facts.name_of(participant),
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
    sums: defaultdict[_Edge, _Sum] = defaultdict(_Sum)
    for flow in facts.flows:
        total = sums[_edge(flow)]
        total.worth_atoms += flow.v_to_atoms
        total.quantity += flow.quantity
        total.occurrences += flow.occurrences
    for flow in facts.recent:
        sums[_edge(flow)].recent += flow.occurrences
    return dict(sums)


def _edge(flow: Flow) -> _Edge:
    return _Edge(flow.exchange, flow.source, flow.target)


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
