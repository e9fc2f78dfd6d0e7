"""Where flows belong, as far as their paths say: to which nodes, legs and chains. Numbers have no part in it.

It is the same for all windows with the same paths, so it is found once and remembered; adding up a window is then
arithmetic on columns (`thalweg.metrics.adding_up`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.design.document import Design
from thalweg.design.forest import Forest
from thalweg.design.roles import SUSPENSE
from thalweg.design.ways import Place, Way, Ways
from thalweg.flows import Path, Paths
from thalweg.integer_columns import Places
from thalweg.metrics.figures import REST_OF_WORLD, NodeKey
from thalweg.metrics.games import Coalition
from thalweg.money import atoms_per_major_unit

#: nowhere
NONE: Final = -1
_REMEMBERED: Final = 32

Parties = tuple[tuple[str, str], ...]


class View:
    """Who counts as a node."""

    def __init__(self, design: Design, key: NodeKey, cut: Mapping[str, str]) -> None:
        forest = Forest(design.nodes)
        self._key = key
        self._cut = cut
        self._outside = frozenset(leaf for node in design.boundary.outside for leaf in forest.leaves_of(node))

    @property
    def is_coarse(self) -> bool:
        """Whether some leaves are seen as one."""
        return self._key is NodeKey.ROLE and bool(self._cut)

    def leaf(self, role: str, participant: str) -> str:
        """The node at the finest level."""
        if role in self._outside:
            return REST_OF_WORLD
        return role if self._key is NodeKey.ROLE else participant

    def seen(self, leaf: str) -> str:
        """What the leaf is seen as."""
        return self._cut.get(leaf, leaf) if self._key is NodeKey.ROLE else leaf


class Possible(NamedTuple):
    """Another way that an instance's occurrences could have gone."""

    way: Way
    #: who is needed: leaves, and what they are seen as
    leaves: Coalition
    seen: Coalition
    #: what one occurrence would be worth by it
    atoms: Fraction


class Gone(NamedTuple):
    """One way of a chain that was gone between the same nodes."""

    chain: str
    way: Way
    leaves: Coalition
    seen: Coalition
    #: the other ways, best first
    possible: tuple[Possible, ...]


@dataclass(frozen=True, eq=False)
class Placing:
    """The place of each path in each list."""

    view: View
    nodes: tuple[str, ...]
    source: Places
    target: Places
    is_money: NDArray[np.bool_]
    #: node → the roles that it plays
    roles: Mapping[str, frozenset[str]]
    #: roles that somebody did not fill; NONE where the giver, or the receiver, is somebody
    vacancies: tuple[str, ...]
    vacant_source: Places
    vacant_target: Places
    #: exchange, giver, receiver, needed
    legs: tuple[tuple[str, str, str, Coalition], ...]
    leg: Places
    gone: tuple[Gone, ...]
    #: the way gone that something other than money is worth; NONE for money
    worth: Places
    #: the way gone whose occurrences it tells; NONE for most
    count: Places


def placing_of(design: Design, paths: Paths, key: NodeKey, cut: Collection[str]) -> Placing:
    """The placing of `paths`, which were rated under `design`."""
    return _remembered(_ById(design), paths, key, frozenset(cut))


@dataclass(frozen=True, slots=True)
class _ById:
    """A design, told apart by who it is: comparing whole documents takes longer than what is remembered."""

    design: Design

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and self.design is other.design

    def __hash__(self) -> int:
        return id(self.design)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(owner: _ById, paths: Paths, key: NodeKey, cut: frozenset[str]) -> Placing:
    design = owner.design
    view = View(design, key, Forest(design.nodes).cut(cut))
    listed = paths.listed
    chains = _Chains(design, view)
    for path in listed:
        chains.enter(path)
    nodes: dict[str, int] = {}
    roles: defaultdict[str, set[str]] = defaultdict(set)
    vacancies: dict[str, int] = {}
    legs: dict[tuple[str, str, str, Coalition], int] = {}
    places: list[tuple[int, int, int, int, int]] = []
    for path in listed:
        source, target = (
            view.seen(view.leaf(role, participant))
            for role, participant in ((path.source_role, path.source), (path.target_role, path.target))
        )
        roles[source].add(path.source_role)
        roles[target].add(path.target_role)
        leg = path.exchange, source, target, chains.needs(path)
        places.append(
            (
                nodes.setdefault(source, len(nodes)),
                nodes.setdefault(target, len(nodes)),
                _vacant(vacancies, path.source_role, path.source),
                _vacant(vacancies, path.target_role, path.target),
                legs.setdefault(leg, len(legs)),
            )
        )
    columns = np.array(places, np.intp).reshape(len(listed), 5).T
    return Placing(
        view=view,
        nodes=tuple(nodes),
        source=columns[0],
        target=columns[1],
        is_money=np.array([path.is_money for path in listed], np.bool_),
        roles={node: frozenset(played) for node, played in roles.items()},
        vacancies=tuple(vacancies),
        vacant_source=columns[2],
        vacant_target=columns[3],
        legs=tuple(legs),
        leg=columns[4],
        gone=chains.gone(),
        worth=np.array(chains.worth, np.intp),
        count=np.array(chains.count, np.intp),
    )


def _vacant(vacancies: dict[str, int], role: str, participant: str) -> int:
    return vacancies.setdefault(role, len(vacancies)) if participant.startswith(SUSPENSE) else NONE


class _Chains:
    """Which chains were gone between whom, in the making."""

    def __init__(self, design: Design, view: View) -> None:
        self._ways = Ways(design.chains, design.exchanges)
        self._view = view
        self._atoms = atoms_per_major_unit(design.currency)
        bundles = {interface.id: interface.meter for interface in design.interfaces}
        self._meters = {each.id: each.meter or bundles.get(each.interface or "") for each in design.exchanges}
        self._paid_for = {agreement.id: agreement.on for agreement in design.agreements}
        #: (chain, way, role → leaf) → its place
        self._gone: dict[tuple[str, str, Parties], int] = {}
        #: which exchange tells the occurrences of a way gone: the first that its trigger counts
        self._counted: dict[int, str] = {}
        #: (chain, assignment) → the parties of what is not money
        self._parties: defaultdict[tuple[str, int], set[Parties]] = defaultdict(set)
        self.worth: list[int] = []
        self.count: list[int] = []

    def enter(self, path: Path) -> None:
        """Take a path into account."""
        gone = counted = NONE
        if not path.is_money:
            place = self._ways.places[path.exchange]
            parties = tuple((role, self._view.leaf(role, participant)) for role, participant in path.needs)
            gone = self._gone.setdefault((place.chain, place.way.id, parties), len(self._gone))
            self._parties[place.chain, path.assignment_id].add(parties)
            if place.way.trigger is not None and self._meters[path.exchange] == place.way.trigger:
                counted = gone if self._counted.setdefault(gone, path.exchange) == path.exchange else NONE
        self.worth.append(gone)
        self.count.append(counted)

    def needs(self, path: Path) -> Coalition:
        """The seen nodes that a flow depends on; for money, those that all instances of its chain agree on."""
        leaves = self._view.leaf(path.source_role, path.source), self._view.leaf(path.target_role, path.target)
        ends = frozenset(map(self._view.seen, leaves))
        paid = self._paid_for.get(path.agreement) if path.agreement is not None else path.exchange
        place = self._ways.places.get(paid or path.exchange)
        if place is None:
            return ends
        if not path.is_money:
            parties = {role: self._view.leaf(role, participant) for role, participant in path.needs}
            return ends | self._seen(place.way, parties)
        return ends | self._agreed(place, path, leaves)

    def gone(self) -> tuple[Gone, ...]:
        """Every way that was gone, in the order in which it came."""
        return tuple(self._gone_by(*key) for key in self._gone)

    def _gone_by(self, chain: str, way_id: str, parties: Parties) -> Gone:
        ways, nodes = self._ways.of[chain], dict(parties)
        own = next(way for way in ways if way.id == way_id)
        others = [(way, way.fallback) for way in ways if way is not own and way.fallback is not None]
        possible = [
            Possible(way, _leaves(way, nodes), self._seen(way, nodes), fallback * self._atoms)
            for way, fallback in sorted(others, key=lambda other: -other[1])
        ]
        return Gone(chain, own, _leaves(own, nodes), self._seen(own, nodes), tuple(possible))

    def _agreed(self, place: Place, path: Path, ends: tuple[str, str]) -> Coalition:
        """What is needed in all instances of the chain that fit the flow's own ends."""
        fitting = [
            nodes
            for parties in self._parties.get((place.chain, path.assignment_id), ())
            for nodes in [dict(parties)]
            if (nodes.get(path.source_role, ends[0]), nodes.get(path.target_role, ends[1])) == ends
        ]
        needed = [self._seen(place.way, nodes) for nodes in fitting]
        return frozenset.intersection(*needed) if needed else frozenset()

    def _seen(self, way: Way, nodes: Mapping[str, str]) -> Coalition:
        return frozenset(map(self._view.seen, _leaves(way, nodes)))


def _leaves(way: Way, nodes: Mapping[str, str]) -> Coalition:
    return frozenset(nodes[role] for role in way.roles if role in nodes)
