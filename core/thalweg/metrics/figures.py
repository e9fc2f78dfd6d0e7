"""The figures of one window: what all metrics are computed from.

The accounting identity holds exactly: what all nodes capture, the rest of the world included, is what was created.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Final, NamedTuple

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.forest import Forest
from thalweg.design.ways import Way
from thalweg.metrics.evidence import Evidence
from thalweg.metrics.games import Game

#: the node that stands for all that is outside the boundary
REST_OF_WORLD: Final = "_rest-of-world"

Pair = tuple[str, str]


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
    #: what it spent on what no exchange shows
    costs: int = 0

    @property
    def created(self) -> int:
        """What the node gained of other things than money, less what it gave up and spent: its part of C."""
        return self.worth_in - self.worth_out - self.costs

    @property
    def net_cash(self) -> int:
        """Money in less money out; costs are not counted, as nobody in the design gets them."""
        return self.money_in - self.money_out

    @property
    def captured(self) -> int:
        """K: value in less value out and costs, money included."""
        return self.created + self.net_cash


class Leg(NamedTuple):
    """All that flowed along one exchange between two nodes, under the same dependencies."""

    exchange: str
    source: str
    target: str
    #: the nodes without which it would not have flowed
    needs: frozenset[str]
    #: in the smallest step of the exchange's unit
    quantity: int
    occurrences: int
    #: in atoms; for money, the amount
    v_from: int
    v_to: int


class Instance(NamedTuple):
    """What one way of a chain created between the same nodes."""

    chain: str
    way: Way
    #: node set of the way
    needs: frozenset[str]
    #: in atoms
    worth: int
    #: the other ways, best first, with what all its occurrences would have been worth by them
    fallbacks: tuple[tuple[Way, frozenset[str], int], ...]


class Dependence(NamedTuple):
    """What the chains say of who depends on whom."""

    instances: tuple[Instance, ...]
    #: what each coalition of nodes could create
    game: Game
    #: node → φ in atoms, its Shapley value: what depends on it, shared equally among all that it depends on
    contributions: Mapping[str, Fraction]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One window's sums, at one zoom level."""

    design: Design
    #: C: all value created less all costs, in atoms, summed over the flows
    created: int
    #: node → its account
    accounts: Mapping[str, Account]
    #: find what not every answer asks for, and what takes longest; each looks once, however often it is asked
    find_dependence: Callable[[], Dependence]
    find_legs: Callable[[], tuple[Leg, ...]]
    #: node → the roles that it plays
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: role → the account of what is booked to it while it is vacant
    vacancies: Mapping[str, Account] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def currency(self) -> str:
        """The design's currency."""
        return self.design.currency

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        """All that flowed, by exchange, ends and dependencies."""
        return self.find_legs()

    @cached_property
    def dependence(self) -> Dependence:
        """Who depends on whom."""
        return self.find_dependence()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """What the ways of chains created."""
        return self.dependence.instances

    @property
    def game(self) -> Game:
        """What each coalition of nodes could create."""
        return self.dependence.game

    @property
    def contributions(self) -> Mapping[str, Fraction]:
        """Node → φ, its Shapley value in atoms."""
        return self.dependence.contributions

    @cached_property
    def gross(self) -> int:
        """What those paid who paid more than they got, in atoms; it equals what the others got."""
        return sum(max(0, account.net_cash) for account in self.accounts.values())

    @cached_property
    def exchanges(self) -> Mapping[str, Exchange]:
        """The design's exchanges by id; implied ones are not among them, and are money."""
        return {exchange.id: exchange for exchange in self.design.exchanges}

    @cached_property
    def forest(self) -> Forest:
        """What is part of what."""
        return Forest(self.design.nodes)

    @cached_property
    def by_exchange(self) -> Mapping[str, list[Leg]]:
        """Exchange → its legs."""
        found: defaultdict[str, list[Leg]] = defaultdict(list)
        for leg in self.legs:
            found[leg.exchange].append(leg)
        return found

    @cached_property
    def by_node(self) -> Mapping[str, list[Leg]]:
        """Node → the legs that begin or end at it."""
        found: defaultdict[str, list[Leg]] = defaultdict(list)
        for leg in self.legs:
            for node in {leg.source, leg.target}:
                found[node].append(leg)
        return found

    @cached_property
    def money(self) -> Mapping[Pair, int]:
        """(giver, receiver) → money in atoms; only where it is positive, and between two nodes."""
        return _positive(self._weights(money=True))

    @cached_property
    def value(self) -> Mapping[Pair, int]:
        """(giver, receiver) → all value in atoms, as the receiver values it; likewise.

        What a receiver only hands on has no value of its own there: it is carried through at cost, which is the money
        that goes the other way.
        """
        money = self._weights(money=True)
        worth = self._weights(money=False)
        carried = {(source, target): money.get((target, source), 0) for source, target in worth}
        values = {pair: amount if amount > 0 else carried[pair] for pair, amount in worth.items()}
        return _positive({pair: money.get(pair, 0) + values.get(pair, 0) for pair in {*money, *values}})

    def account(self, node: str) -> Account:
        """The account of `node`; an empty one if it took no part."""
        return self.accounts.get(node, Account())

    def is_money(self, leg: Leg) -> bool:
        """True for money, along a drawn exchange or an implied one."""
        exchange = self.exchanges.get(leg.exchange)
        return exchange is None or exchange.is_money

    def _weights(self, *, money: bool) -> Mapping[Pair, int]:
        sums: defaultdict[Pair, int] = defaultdict(int)
        for leg in self.legs:
            if leg.source != leg.target and self.is_money(leg) == money:
                sums[leg.source, leg.target] += leg.v_to
        return sums


def _positive(weights: Mapping[Pair, int]) -> Mapping[Pair, int]:
    return {pair: weights[pair] for pair in sorted(weights) if weights[pair] > 0}
