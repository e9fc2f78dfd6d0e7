"""Coalition games against plain enumeration: what each coalition is worth, Shapley values, and the core gap."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.metrics.contribution import CoreGap, core_gap
from thalweg.metrics.games import Game, game_of

NAMES = "abcdefgh"
#: one chain: (who is needed, what it is worth) for each of its ways
Entry = tuple[tuple[frozenset[str], int], ...]


def coalitions(names: str) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]


def worth(entries: list[Entry], coalition: frozenset[str]) -> int:
    """The first way that the coalition can go, chain by chain."""
    total = 0
    for entry in entries:
        for needed, amount in entry:
            if needed <= coalition:
                total += amount
                break
    return total


def shapley(entries: list[Entry], names: str) -> dict[str, Fraction]:
    """The mean of what each adds, over all orders of arrival."""
    values = {coalition: worth(entries, coalition) for coalition in coalitions(names)}
    found = dict.fromkeys(names, Fraction(0))
    count = len(names)
    for coalition, before in values.items():
        weight = (
            Fraction(factorial(len(coalition)) * factorial(count - len(coalition) - 1), factorial(count))
            if len(coalition) < count
            else Fraction(0)
        )
        for name in set(names) - coalition:
            found[name] += weight * (values[coalition | {name}] - before)
    return found


needed = st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=5)
strict_entries = st.lists(st.tuples(needed, st.integers(0, 1000)).map(lambda way: (way,)), max_size=8)
entries_with_alternatives = st.lists(
    st.lists(st.tuples(needed, st.integers(-200, 1000)), min_size=1, max_size=3).map(tuple), max_size=5
)
captures = st.fixed_dictionaries({name: st.integers(-300, 800) for name in NAMES})


@given(entries_with_alternatives)
def test_dividends_give_every_coalition_what_the_first_possible_way_is_worth(entries):
    game = game_of(entries)
    assert all(game.worth(coalition) == worth(entries, coalition) for coalition in coalitions(NAMES))


@given(entries_with_alternatives, st.integers(1, len(NAMES)))
def test_the_shapley_value_is_the_mean_over_all_orders_of_arrival(entries, count):
    names = NAMES[:count]
    kept = [tuple((nodes & set(names) or frozenset(names), atoms) for nodes, atoms in entry) for entry in entries]
    found = game_of(kept).shapley
    assert {name: found.get(name, 0) for name in names} == shapley(kept, names)


@given(entries_with_alternatives)
def test_shapley_values_sum_to_the_worth_of_all(entries):
    game = game_of(entries)
    assert sum(game.shapley.values()) == game.total == worth(entries, frozenset(NAMES))


@given(entries_with_alternatives)
def test_what_is_lost_without_a_player_is_what_the_others_lack(entries):
    game = game_of(entries)
    everybody = frozenset(NAMES)
    for name in game.players:
        assert game.lost_without[name] == worth(entries, everybody) - worth(entries, everybody - {name})


@given(strict_entries, captures)
def test_the_core_gap_by_minimum_cut_is_the_largest_gain_of_any_coalition(entries, captured):
    game = game_of(entries)
    assert not game.has_alternatives
    check_core_gap(game, entries, captured)


@given(entries_with_alternatives, captures)
def test_the_core_gap_with_alternatives_is_the_largest_gain_of_any_coalition(entries, captured):
    check_core_gap(game_of(entries), entries, captured)


def check_core_gap(game: Game, entries: list[Entry], captured: dict[str, int]) -> None:
    def gains(coalition: frozenset[str]) -> int:
        return worth(entries, coalition) - sum(captured[name] for name in coalition)

    found = core_gap(game, captured)
    assert isinstance(found, CoreGap)
    assert found.atoms == max(gains(coalition) for coalition in coalitions(NAMES))
    assert gains(found.coalition) == found.atoms


@pytest.mark.parametrize("players", [12, 13])
def test_with_alternatives_the_core_gap_is_exact_up_to_twelve_players(players):
    names = [f"p{number}" for number in range(players)]
    game = game_of([((frozenset(names), 100), (frozenset(names[:2]), 40), (frozenset(names[1:3]), 40))])
    found = core_gap(game, dict.fromkeys(names, 10))
    assert found == ((20, {"p0", "p1"}) if players == 12 else None)


@given(entries_with_alternatives, st.dictionaries(st.sampled_from(NAMES), st.sampled_from("AB")))
def test_a_game_between_groups_gives_each_group_the_worth_of_its_members(entries, groups):
    seen = game_of(entries).seen_as(lambda name: groups.get(name, name))
    for group in "AB":
        members = frozenset(name for name in NAMES if groups.get(name) == group)
        assert seen.worth({group}) == worth(entries, members)
