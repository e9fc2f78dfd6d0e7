"""Measures of the network of value: what comes back, what goes round, who is in the middle."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.metrics import Evidence, Reason, cycling, loops, reciprocity, structure
from thalweg.metrics.cycling import cycling_index
from worlds.network import CENT, figures, money, worth

NAMES = "abcde"
flow_tables = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1]),
    st.integers(1, 1000),
    min_size=1,
)
RING = {("a", "b"): 10, ("b", "c"): 8, ("c", "a"): 4}


def test_a_pair_s_reciprocity_is_the_smaller_direction_per_the_larger():
    both = figures(money({("a", "b"): 10, ("b", "a"): 4, ("a", "c"): 3}))
    assert reciprocity.money_between(both) == {("a", "b"): (Decimal("0.4"), None), ("a", "c"): (0, None)}
    assert reciprocity.money_reciprocity(both).value == Decimal("0.470588235294")


@given(flow_tables)
def test_network_reciprocity_is_between_0_and_1_and_the_same_for_the_reverse_network(table):
    there = reciprocity.money_reciprocity(figures(money(table))).value
    back = reciprocity.money_reciprocity(figures(money({(two, one): cents for (one, two), cents in table.items()})))
    assert there is not None
    assert 0 <= there <= 1
    assert there == back.value


def test_reciprocity_beyond_chance_is_repeatable_and_1_where_all_is_answered():
    answered = figures(worth({("a", "b"): 5, ("b", "a"): 5, ("c", "d"): 5, ("d", "c"): 5}))
    assert reciprocity.beyond_chance(answered).value == 1
    ring = figures(worth({("a", "b"): 5, ("b", "c"): 5, ("c", "d"): 5, ("d", "a"): 5}))
    value = reciprocity.beyond_chance(ring)
    assert value == reciprocity.beyond_chance(ring)
    assert value.value is not None
    assert value.value < 0


def test_what_a_receiver_only_hands_on_counts_at_cost():
    passed_on = figures(money({("a", "b"): 10}) | worth({("b", "a"): 0}))
    assert passed_on.value == {("a", "b"): 10 * CENT, ("b", "a"): 10 * CENT}


@given(flow_tables)
def test_cycling_is_between_0_and_1_and_matches_the_sum_over_all_walks(table):
    """N − I is the sum of all powers of the matrix; where nothing leaks the walk always comes back."""
    index = cycling_index(table).value
    assert index is not None
    assert 0 <= index <= 1
    through = cycling.throughflow(table)
    places = sorted(through)
    # A little leak everywhere makes N exist; without it, cycling is only more.
    shares = np.array([[table.get((one, two), 0) / (through[one] * 1.000001) for two in places] for one in places])
    visits = np.linalg.inv(np.eye(len(places)) - shares).diagonal()
    expected = sum(through[node] * (1 - 1 / visits[place]) for place, node in enumerate(places)) / sum(through.values())
    assert float(index) == pytest.approx(expected, abs=1e-4)


def test_in_a_closed_ring_all_comes_back_and_in_a_chain_nothing_does():
    assert cycling_index({("a", "b"): 5, ("b", "c"): 5, ("c", "a"): 5}).value == 1
    assert cycling_index({("a", "b"): 5, ("b", "c"): 5}).value == 0
    assert cycling_index({}).reason is Reason.NO_FLOW


def test_the_multiplier_is_throughflow_per_what_is_brought_in():
    assert cycling.money_multiplier(figures(money(RING))).value == Decimal("4.666666666667")
    assert cycling.value_multiplier(figures(worth({("a", "b"): 5, ("b", "a"): 5}))).reason is Reason.NOT_POSITIVE


def test_recirculation_ranks_sum_to_1_and_gather_where_value_ends():
    ranks = {key[0]: value.value for key, value in cycling.recirculation(figures(worth(RING))).items()}
    assert abs(sum(rank for rank in ranks.values() if rank is not None) - 1) < Decimal("1e-9")
    end = cycling.recirculation(figures(worth({("a", "z"): 5, ("b", "z"): 5, ("c", "z"): 5})))
    assert max(end, key=lambda key: end[key].value or 0) == ("z",)


def test_loops_come_with_their_smallest_leg_largest_first():
    found = loops.loops(figures(worth(RING | {("b", "d"): 9, ("d", "a"): 7, ("b", "a"): 3})))
    assert list(found.items()) == [
        (("a", "b", "d"), (Decimal("0.07"), None)),
        (("a", "b", "c"), (Decimal("0.04"), None)),
    ]


def test_at_most_a_hundred_loops_of_at_most_six_nodes_are_listed():
    everybody = {(one, two): 10 for one in "abcdefgh" for two in "abcdefgh" if one != two}
    found = loops.loops(figures(worth(everybody)))
    assert len(found) == 100
    assert all(3 <= len(set(loop)) == len(loop) <= 6 for loop in found)


def history(windows: int, factor: float) -> Evidence:
    generator = np.random.default_rng(7)
    cents = [1000.0]
    for _ in range(windows - 1):
        cents.append(1000 * (cents[-1] / 1000) ** factor * float(np.exp(generator.normal(0, 0.4))))
    tables = [{("a", "b"): round(now), ("b", "c"): round(now), ("c", "a"): round(now)} for now in cents]
    return Evidence(history=tuple(figures(worth(table)) for table in tables))


def test_the_gain_of_a_loop_needs_thirty_windows_and_has_an_interval():
    now = figures(worth(RING))
    assert loops.gains(now)["a", "b", "c"].reason is Reason.TOO_FEW_WINDOWS
    seen = replace(now, evidence=history(60, 0.8))
    gain, low, high = (each(seen)["a", "b", "c"].value for each in (loops.gains, loops.low_gains, loops.high_gains))
    assert gain is not None
    assert low is not None
    assert high is not None
    assert low < gain < high
    assert Decimal("0.1") < gain < 1  # 0.8³ ≈ 0.5, shrunk a little by the ridge
    assert loops.gains(seen) == loops.gains(seen)


def test_a_star_is_centralised_and_a_ring_is_not():
    star = figures(worth({("hub", leaf): 5 for leaf in "abcd"}))
    assert structure.centralisation(star).value == 1
    assert structure.density(star).value == Decimal("0.2")
    ring = figures(worth({("a", "b"): 5, ("b", "c"): 5, ("c", "d"): 5, ("d", "a"): 5}))
    assert structure.centralisation(ring).value == 0
    assert structure.entropy(ring).value == 1


def test_the_keystone_is_the_node_in_the_middle():
    chain = figures(worth({("a", "m"): 5, ("b", "m"): 5, ("m", "c"): 5, ("m", "d"): 5}))
    scores = {key[0]: value.value for key, value in structure.keystones(chain).items()}
    assert scores["m"] == 1
    assert all(score is not None and 0 < score < 1 for node, score in scores.items() if node != "m")


def test_the_resource_cycle_is_as_closed_as_its_narrowest_leg():
    layers = {"a": "platform", "b": "business", "c": "community"}
    nodes = [{"id": name, "name": name, "kind": "organisation", "layer": layer} for name, layer in layers.items()]
    assert structure.closure(figures(worth(RING), nodes=nodes)).value == Decimal("0.4")
    assert structure.money_closure(figures(worth(RING), nodes=nodes)).value is None
    assert structure.closure(figures(worth({("a", "b"): 10}), nodes=nodes[:2])).value == 0


def test_health_is_productivity_robustness_and_new_relations():
    before = figures(worth({("a", "b"): 10}))
    now = figures(worth(RING), evidence=Evidence(history=(before,)))
    assert structure.productivity(now).value == Decimal("0.07333333")
    assert structure.niche_creation(now).value == Decimal("66.666666666667")
    assert structure.niche_creation(before).reason is Reason.TOO_FEW_WINDOWS
    assert structure.robustness(now).value == Decimal("0.181818181818")  # without b, only c → a is left
