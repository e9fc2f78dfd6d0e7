"""What is lost when somebody leaves: nodes, exchanges, followers, and who needs whom."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import from_document
from thalweg.metrics import Evidence, Figures, NodeKey, Reason, figures_of, resilience
from worlds.network import figures, money, worth
from worlds.roaming import document, flows, with_fallback

ARROWS = worth({("a", "b"): 600, ("b", "c"): 300, ("c", "d"): 100}) | money({("b", "a"): 500, ("d", "c"): 120})


def roaming(*, fallback: bool = False) -> Figures:
    design = with_fallback() if fallback else from_document(document())
    return figures_of(design, flows(design), NodeKey.ROLE)


def test_without_an_exchange_its_chains_are_lost_or_go_another_way():
    lost = resilience.loss_without_exchange(roaming())
    assert round(lost["clearing",].value or 0, 1) == round(lost["roaming-fee",].value or 0, 1) == Decimal("96.1")
    assert round(lost["session-data",].value or 0, 2) == Decimal("0.52")
    stood_in = resilience.loss_without_exchange(roaming(fallback=True))["clearing",].value
    assert stood_in == round(Decimal(80) / Decimal("3.85"), 12)


def test_robustness_leaves_out_what_the_design_declares_irreplaceable():
    declared = document()
    for node in declared["nodes"]:
        node["replaceable"] = node["id"] not in {"cpo", "driver"}
    design = from_document(declared)
    assert resilience.robustness(roaming()).value == 0
    kept = resilience.robustness(figures_of(design, flows(design), NodeKey.ROLE)).value
    assert kept == round(Decimal("0.15") / Decimal("3.85"), 12)


@given(st.sets(st.sampled_from("abcd")))
def test_without_nodes_the_others_capture_what_needs_none_of_them(gone):
    captured = resilience.captured_without(figures(ARROWS), gone)
    expected = dict.fromkeys(set("abcd") - gone, 0)
    for (source, target, _), (v_from, v_to) in ARROWS.items():
        if not {source, target} & gone:
            expected[source] -= v_from * 10**6
            expected[target] += v_to * 10**6
    assert captured == expected


def test_who_loses_three_windows_running_leaves_and_takes_along_what_needs_it():
    now = figures(ARROWS)  # d pays 1.20 for what is worth 1.00
    assert resilience.surviving(now).reason is Reason.TOO_FEW_WINDOWS
    losing = figures(ARROWS, Evidence(history=(now, now)))
    assert resilience.surviving(losing).value == 90
    gaining = figures(ARROWS | money({("d", "c"): 90}))
    assert resilience.surviving(figures(ARROWS, Evidence(history=(gaining, now)))).value == 100


def test_a_loser_can_bring_down_who_lives_on_it():
    chain = worth({("a", "b"): 100, ("b", "c"): 300}) | money({("b", "a"): 200, ("c", "b"): 350})
    now = figures(chain)  # c loses; without c, b has only what it pays a for
    assert resilience.surviving(figures(chain, Evidence(history=(now, now)))).value == 0


def test_dependency_is_the_part_of_k_that_is_gone_without_the_other():
    depends = resilience.dependency(figures(ARROWS))
    assert depends["a", "b"].value == 100
    assert depends["c", "d"].value == round(Decimal(12000) / Decimal(420), 12)
    assert ("a", "c") not in depends


def test_complementarity_is_the_second_difference_of_what_all_are_worth():
    game = roaming(fallback=True).game
    everybody = game.players
    found = {key: value.value for key, value in resilience.complementarity(roaming(fallback=True)).items()}
    for one, other in combinations(sorted(everybody), 2):
        without = [game.worth(everybody - left) for left in ({one}, {other}, {one, other})]
        difference = game.total - without[0] - without[1] + without[2]
        assert found.get((one, other), Decimal(0)) == Decimal(difference) / 10**8


@pytest.mark.parametrize("key", NodeKey)
def test_losses_are_those_of_the_game_by_participant_and_by_role(key):
    design = from_document(document())
    seen = figures_of(design, flows(design), key)
    lost = {node[0]: value.value for node, value in resilience.loss_without(seen).items()}
    assert set(lost) == set(seen.accounts)
    assert max(value for value in lost.values() if value is not None) == 100
