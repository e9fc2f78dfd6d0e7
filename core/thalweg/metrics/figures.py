"""The figures of one window, added up from its flows: what all metrics are computed from.

The accounting identity holds exactly: what all nodes capture, the rest of the world included, is what was created.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from thalweg.design.document import Design
from thalweg.rating import Flow

#: the node that stands for all that is outside the boundary
REST_OF_WORLD: Final = "_rest-of-world"


class NodeKey(StrEnum):
    """What counts as a node."""

    PARTICIPANT = "participant"
    ROLE = "role"


@dataclass(slots=True)
class Account:
    """One node's sums in atoms. Money between two roles of one node counts neither in nor out."""

    #: Σ v_to of all that came in that is not money
    worth_in: int = 0
    #: Σ v_from of all that went out that is not money
    worth_out: int = 0
    money_in: int = 0
    money_out: int = 0

    @property
    def created(self) -> int:
        """What the node gained of other things than money, less what it gave up: its part of the value created."""
        return self.worth_in - self.worth_out

    @property
    def net_cash(self) -> int:
        """Money in less money out."""
        return self.money_in - self.money_out

    @property
    def captured(self) -> int:
        """K: value in less value out, money included."""
        return self.created + self.net_cash


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """What became of events: `numbered` and `received` since the beginning, the others within the window."""

    #: seqs that the devices are known to have given out
    numbered: int
    #: of these, the ones whose batch is stored
    received: int
    #: decodable events that a meter measured
    mapped: int
    #: decodable events in all: mapped, unmapped, rejected and parked
    decodable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Percentiles of the time from measured to visible, in seconds."""

    p50_seconds: Decimal
    p95_seconds: Decimal
    p99_seconds: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One window's sums."""

    currency: str
    #: C: all value created, in atoms, summed over the flows
    created: int
    #: node → its account
    accounts: Mapping[str, Account]
    #: node → φ in atoms, its Shapley value: what depends on it, shared equally among all that it depends on
    contributions: Mapping[str, Fraction]
    events: EventCounts | None = None
    freshness: Freshness | None = None

    @property
    def gross(self) -> int:
        """What those paid who paid more than they got, in atoms; it equals what the others got."""
        return sum(max(0, account.net_cash) for account in self.accounts.values())

    def account(self, node: str) -> Account:
        """The account of `node`; an empty one if it took no part."""
        return self.accounts.get(node, Account())


def figures_of(
    design: Design,
    flows: Iterable[Flow],
    key: NodeKey = NodeKey.PARTICIPANT,
    *,
    events: EventCounts | None = None,
    freshness: Freshness | None = None,
) -> Figures:
    """Add up `flows`, by participant or by role. For an extract or an exchange, give its flows alone."""
    outside = frozenset(design.boundary.outside)

    def node_of(role: str, participant: str) -> str:
        if role in outside:
            return REST_OF_WORLD
        return role if key is NodeKey.ROLE else participant

    accounts: defaultdict[str, Account] = defaultdict(Account)
    contributions: defaultdict[str, Fraction] = defaultdict(Fraction)
    created = 0
    for flow in flows:
        source, target = node_of(flow.source_role, flow.source), node_of(flow.target_role, flow.target)
        _enter(flow, accounts[source], accounts[target])
        created += flow.created_atoms
        needed = {node_of(role, participant) for role, participant in flow.needs}
        for node in needed:
            contributions[node] += Fraction(flow.created_atoms, len(needed))
    return Figures(
        currency=design.currency,
        created=created,
        accounts=dict(accounts),
        contributions=dict(contributions),
        events=events,
        freshness=freshness,
    )


def _enter(flow: Flow, source: Account, target: Account) -> None:
    if not flow.is_money:
        source.worth_out += flow.v_from_atoms
        target.worth_in += flow.v_to_atoms
    elif source is not target:
        source.money_out += flow.v_from_atoms
        target.money_in += flow.v_to_atoms
