"""From the flows of a window to its figures, by participant, by role, or at any cut of the node forest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from functools import cache, partial

import numpy as np

from thalweg.costs import NodeCost
from thalweg.design.document import Design
from thalweg.flows import Flow, Flows, Numbers
from thalweg.integer_columns import Places, less, sum_by_place
from thalweg.metrics.evidence import Evidence
from thalweg.metrics.figures import Account, Dependence, Figures, Instance, Leg, NodeKey
from thalweg.metrics.games import Game, game_of
from thalweg.metrics.placing import NONE, Gone, Placing, View, placing_of


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
    columns = Flows.of(flows)
    placing, numbers = placing_of(design, columns.paths, key, cut), columns.numbers
    accounts = _accounts(placing.nodes, placing.source, placing.target, placing, numbers)
    roles: defaultdict[str, frozenset[str]] = defaultdict(frozenset, placing.roles)
    leaf_costs: defaultdict[str, int] = defaultdict(int)
    for cost in costs:
        leaf = placing.view.leaf(cost.role, cost.participant)
        leaf_costs[leaf] += cost.atoms
        accounts.setdefault(placing.view.seen(leaf), Account()).costs += cost.atoms
        roles[placing.view.seen(leaf)] |= {cost.role}
    created = _created(placing, numbers)
    return Figures(
        design=design,
        created=sum(created) - sum(leaf_costs.values()),
        accounts=accounts,
        find_dependence=cache(partial(_dependence, placing, numbers, leaf_costs)),
        find_legs=cache(partial(_legs, placing, numbers)),
        roles=dict(roles),
        vacancies=_accounts(placing.vacancies, placing.vacant_source, placing.vacant_target, placing, numbers),
        evidence=evidence or Evidence(),
    )


def _accounts(
    names: tuple[str, ...], source: Places, target: Places, placing: Placing, numbers: Numbers
) -> dict[str, Account]:
    """The accounts of those at whom flows begin and end; money that they pay themselves counts neither in nor out."""
    count, is_paid = len(names), placing.is_money & (source != target)
    worth_in = _sums(np.where(placing.is_money, NONE, target), numbers.v_to_atoms, count)
    worth_out = _sums(np.where(placing.is_money, NONE, source), numbers.v_from_atoms, count)
    money_in = _sums(np.where(is_paid, target, NONE), numbers.v_to_atoms, count)
    money_out = _sums(np.where(is_paid, source, NONE), numbers.v_from_atoms, count)
    rows = zip(names, worth_in, worth_out, money_in, money_out, strict=True)
    return {name: Account(*sums) for name, *sums in rows}


def _created(placing: Placing, numbers: Numbers) -> list[int]:
    """Atoms that each way gone created."""
    return _sums(placing.worth, less(numbers.v_to_atoms, numbers.v_from_atoms), len(placing.gone))


def _dependence(placing: Placing, numbers: Numbers, leaf_costs: Mapping[str, int]) -> Dependence:
    occurred = _sums(placing.count, numbers.occurrences, len(placing.gone))
    gone = list(zip(placing.gone, _created(placing, numbers), occurred, strict=True))
    leaves = tuple(_instance(*each, seen=False) for each in gone)
    game = _game(leaves, leaf_costs)
    contributions = _rolled_up(game, leaves, placing.view)
    if not placing.view.is_coarse:
        return Dependence(leaves, game, contributions)
    seen = tuple(_instance(*each, seen=True) for each in gone)
    return Dependence(seen, game.seen_as(placing.view.seen), contributions)


def _legs(placing: Placing, numbers: Numbers) -> tuple[Leg, ...]:
    count = len(placing.legs)
    amounts = (numbers.quantity, numbers.occurrences, numbers.v_from_atoms, numbers.v_to_atoms)
    rows = zip(*(_sums(placing.leg, column, count) for column in amounts), strict=True)
    return tuple([Leg(*place, *sums) for place, sums in zip(placing.legs, rows, strict=True)])


def _sums(places: Places, column: np.ndarray, count: int) -> list[int]:
    """By place; what is nowhere is left out."""
    rows = np.flatnonzero(places != NONE)
    return sum_by_place(places[rows], column[rows], count)


def _instance(gone: Gone, worth: int, occurred: int, *, seen: bool) -> Instance:
    fallbacks = tuple(
        (each.way, each.seen if seen else each.leaves, round(each.atoms * occurred)) for each in gone.possible
    )
    return Instance(gone.chain, gone.way, gone.seen if seen else gone.leaves, worth, fallbacks)


def _game(instances: Iterable[Instance], costs: Mapping[str, int]) -> Game:
    entries = [
        ((instance.needs, instance.worth), *((needs, worth) for _, needs, worth in instance.fallbacks))
        for instance in instances
    ]
    spent = [((frozenset({node}), -atoms),) for node, atoms in costs.items()]
    return game_of([*entries, *spent])


def _rolled_up(game: Game, instances: Iterable[Instance], view: View) -> dict[str, Fraction]:
    """Node → the sum over its leaves; 0 for who is needed for nothing that is worth something."""
    leaves = sorted(frozenset[str]().union(*(instance.needs for instance in instances)))
    shares = {view.seen(leaf): Fraction(0) for leaf in leaves}
    if not view.is_coarse:
        return {**shares, **game.shapley}
    for leaf, share in game.shapley.items():
        shares[view.seen(leaf)] = shares.get(view.seen(leaf), Fraction(0)) + share
    return shares
