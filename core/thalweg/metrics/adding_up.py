"""From the flows of a window to its figures, by participant, by role, or at any cut of the node forest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from thalweg.costs import NodeCost
from thalweg.design.document import Design
from thalweg.design.forest import Forest
from thalweg.design.roles import SUSPENSE
from thalweg.design.ways import Place, Way, Ways
from thalweg.metrics.evidence import Evidence
from thalweg.metrics.figures import REST_OF_WORLD, Account, Figures, Instance, Leg, NodeKey
from thalweg.metrics.games import Coalition, Game, game_of
from thalweg.money import atoms_per_major_unit
from thalweg.rating import Flow


def figures_of(
    design: Design,
    flows: Iterable[Flow],
    key: NodeKey = NodeKey.PARTICIPANT,
    *,
    cut: Collection[str] = (),
    costs: Iterable[NodeCost] = (),
    evidence: Evidence | None = None,
) -> Figures:
    """Add up `flows` and `costs`, by participant or by role. For an extract or an exchange, give its flows alone.

    `cut` holds parents whose parts are to be seen as one (only by role); raises DesignError unless none of them is
    inside another. Contributions are found leaf by leaf and rolled up; games are played between what is seen.
    """
    view = _View(design, key, Forest(design.nodes).cut(cut))
    sums = _Sums()
    ways = Ways(design.chains, design.exchanges)
    instances = _Instances(design, ways, view)
    flows = tuple(flows)
    for flow in flows:
        instances.enter(flow)
    for flow in flows:
        sums.enter(flow, view, instances.needs(flow))
    for cost in costs:
        sums.spend(cost, view)
    leaf_instances = tuple(instances.found(seen=False))
    game = _game(leaf_instances, sums.leaf_costs)
    return Figures(
        design=design,
        created=sum(flow.created_atoms for flow in flows) - sum(sums.leaf_costs.values()),
        accounts=dict(sums.accounts),
        contributions=_rolled_up(game, leaf_instances, view),
        game=game.seen_as(view.seen),
        instances=tuple(instances.found(seen=True)),
        legs=tuple(Leg(*place, *amounts) for place, amounts in sums.legs.items()),
        roles={node: frozenset(roles) for node, roles in sums.roles.items()},
        vacancies=dict(sums.vacancies),
        evidence=evidence or Evidence(),
    )


@dataclass(slots=True)
class _View:
    """Who counts as a node."""

    design: Design
    key: NodeKey
    cut: Mapping[str, str]
    outside: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        forest = Forest(self.design.nodes)
        self.outside = frozenset(leaf for node in self.design.boundary.outside for leaf in forest.leaves_of(node))

    def leaf(self, role: str, participant: str) -> str:
        """The node at the finest level."""
        if role in self.outside:
            return REST_OF_WORLD
        return role if self.key is NodeKey.ROLE else participant

    def seen(self, leaf: str) -> str:
        """What the leaf is seen as."""
        return self.cut.get(leaf, leaf) if self.key is NodeKey.ROLE else leaf

    def node(self, role: str, participant: str) -> str:
        """The node that the role of a participant is seen as."""
        return self.seen(self.leaf(role, participant))


@dataclass(slots=True)
class _Sums:
    """Sums over flows, in the making."""

    accounts: defaultdict[str, Account] = field(default_factory=lambda: defaultdict(Account))
    vacancies: defaultdict[str, Account] = field(default_factory=lambda: defaultdict(Account))
    legs: dict[tuple[str, str, str, Coalition], list[int]] = field(default_factory=dict)
    roles: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    leaf_costs: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def enter(self, flow: Flow, view: _View, needs: Coalition) -> None:
        source, target = view.node(flow.source_role, flow.source), view.node(flow.target_role, flow.target)
        self.roles[source].add(flow.source_role)
        self.roles[target].add(flow.target_role)
        _book(flow, self.accounts[source], self.accounts[target])
        giver, receiver = self._vacancy(flow.source_role, flow.source), self._vacancy(flow.target_role, flow.target)
        _book(flow, giver, receiver)
        amounts = self.legs.setdefault((flow.exchange, source, target, needs), [0, 0, 0, 0])
        for number, amount in enumerate((flow.quantity, flow.occurrences, flow.v_from_atoms, flow.v_to_atoms)):
            amounts[number] += amount

    def spend(self, cost: NodeCost, view: _View) -> None:
        leaf = view.leaf(cost.role, cost.participant)
        self.leaf_costs[leaf] += cost.atoms
        self.accounts[view.seen(leaf)].costs += cost.atoms
        self.roles[view.seen(leaf)].add(cost.role)

    def _vacancy(self, role: str, participant: str) -> Account:
        return self.vacancies[role] if participant.startswith(SUSPENSE) else Account()


def _book(flow: Flow, source: Account, target: Account) -> None:
    if not flow.is_money:
        source.worth_out += flow.v_from_atoms
        target.worth_in += flow.v_to_atoms
    elif source is not target:
        source.money_out += flow.v_from_atoms
        target.money_in += flow.v_to_atoms


class _Instances:
    """Which chains were gone between whom, in the making."""

    def __init__(self, design: Design, ways: Ways, view: _View) -> None:
        self._ways = ways
        self._view = view
        self._atoms = atoms_per_major_unit(design.currency)
        bundles = {interface.id: interface.meter for interface in design.interfaces}
        self._meters = {each.id: each.meter or bundles.get(each.interface or "") for each in design.exchanges}
        self._paid_for = {agreement.id: agreement.on for agreement in design.agreements}
        #: (place, role → leaf) → Σ created, and occurrences by the exchanges that the trigger counts
        self._worth: defaultdict[tuple[str, str, tuple[tuple[str, str], ...]], int] = defaultdict(int)
        self._counts: defaultdict[tuple[str, str, tuple[tuple[str, str], ...]], dict[str, int]] = defaultdict(dict)
        #: (chain, assignment) → the parties of what is not money
        self._parties: defaultdict[tuple[str, int], set[tuple[tuple[str, str], ...]]] = defaultdict(set)

    def enter(self, flow: Flow) -> None:
        """Take a flow into account, unless it is money."""
        if flow.is_money:
            return
        place = self._ways.places[flow.exchange]
        parties = tuple((role, self._view.leaf(role, participant)) for role, participant in flow.needs)
        key = place.chain, place.way.id, parties
        self._worth[key] += flow.created_atoms
        self._parties[place.chain, flow.assignment_id].add(parties)
        if place.way.trigger is not None and self._meters[flow.exchange] == place.way.trigger:
            counts = self._counts[key]
            counts[flow.exchange] = counts.get(flow.exchange, 0) + flow.occurrences

    def needs(self, flow: Flow) -> Coalition:
        """The seen nodes that a flow depends on; for money, those that all instances of its chain agree on."""
        source = self._view.leaf(flow.source_role, flow.source), self._view.leaf(flow.target_role, flow.target)
        ends = frozenset(map(self._view.seen, source))
        paid = self._paid_for.get(flow.agreement) if flow.agreement is not None else flow.exchange
        place = self._ways.places.get(paid or flow.exchange)
        if place is None:
            return ends
        if not flow.is_money:
            parties = {role: self._view.leaf(role, participant) for role, participant in flow.needs}
            return ends | self._nodes(place.way, parties)
        return ends | self._agreed(place, flow, source)

    def found(self, *, seen: bool) -> Iterator[Instance]:
        """Every instance, in the order in which it came; between leaves, or between what they are seen as."""
        for (chain, way_id, parties), worth in self._worth.items():
            ways = self._ways.of[chain]
            own = next(way for way in ways if way.id == way_id)
            nodes = dict(parties)
            occurred = next(iter(self._counts[chain, way_id, parties].values()), 0)
            others = [way for way in ways if way is not own and way.fallback is not None]
            fallbacks = tuple(
                (way, self._nodes(way, nodes, seen=seen), round((way.fallback or 0) * self._atoms * occurred))
                for way in sorted(others, key=lambda way: -(way.fallback or 0))
            )
            yield Instance(chain, own, self._nodes(own, nodes, seen=seen), worth, fallbacks)

    def _agreed(self, place: Place, flow: Flow, ends: tuple[str, str]) -> Coalition:
        """What is needed in all instances of the chain that fit the flow's own ends."""
        fitting = [
            nodes
            for parties in self._parties.get((place.chain, flow.assignment_id), ())
            for nodes in [dict(parties)]
            if (nodes.get(flow.source_role, ends[0]), nodes.get(flow.target_role, ends[1])) == ends
        ]
        needed = [self._nodes(place.way, nodes) for nodes in fitting]
        return frozenset.intersection(*needed) if needed else frozenset()

    def _nodes(self, way: Way, nodes: Mapping[str, str], *, seen: bool = True) -> Coalition:
        leaves = (nodes[role] for role in way.roles if role in nodes)
        return frozenset(map(self._view.seen, leaves) if seen else leaves)


def _game(instances: Iterable[Instance], costs: Mapping[str, int]) -> Game:
    entries = [
        ((instance.needs, instance.worth), *((needs, worth) for _, needs, worth in instance.fallbacks))
        for instance in instances
    ]
    spent = [((frozenset({node}), -atoms),) for node, atoms in costs.items()]
    return game_of([*entries, *spent])


def _rolled_up(game: Game, instances: Iterable[Instance], view: _View) -> dict[str, Fraction]:
    """Node → the sum over its leaves; 0 for who is needed for nothing that is worth something."""
    shares = {view.seen(leaf): Fraction(0) for instance in instances for leaf in sorted(instance.needs)}
    for leaf, share in game.shapley.items():
        shares[view.seen(leaf)] = shares.get(view.seen(leaf), Fraction(0)) + share
    return shares
