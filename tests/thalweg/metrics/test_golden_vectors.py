"""The published vectors of the metric catalogue, from the flows of one session or from their own numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from thalweg.design import from_document
from thalweg.metrics import METRICS, Figures, NodeKey, figures_of
from thalweg.metrics.contribution import core_gap
from thalweg.metrics.cycling import cycling_index, throughflow
from thalweg.metrics.games import game_from
from worlds.roaming import document, flows, with_fallback

DECLARED = from_document(document())
FIVE = ("driver", "emsp", "hub", "energy", "host")


@pytest.fixture(scope="module")
def strict() -> Figures:
    return figures_of(DECLARED, flows(DECLARED), NodeKey.ROLE)


@pytest.fixture(scope="module")
def fallback() -> Figures:
    design = with_fallback()
    return figures_of(design, flows(design), NodeKey.ROLE)


def of_design(figures: Figures, metric: str) -> Decimal:
    compute = METRICS[metric].of_design
    assert compute is not None
    value = compute(figures).value
    assert value is not None
    return value


def of_nodes(figures: Figures, metric: str) -> dict[str, Decimal | None]:
    row = METRICS[metric]
    if row.of_each is not None:
        return {key[0]: value.value for key, value in row.of_each(figures).items()}
    assert row.of_node is not None
    return {node: row.of_node(figures, node).value for node in figures.accounts}


def three(value: Decimal) -> Decimal:
    return round(value, 3)


def test_value_created_shares_and_concentration(strict):
    assert of_design(strict, "m1") == of_design(strict, "m2") == Decimal("3.85")
    assert of_nodes(strict, "m2")["cpo"] == Decimal("0.62")
    assert of_nodes(strict, "m7")["energy"] == 40
    assert of_design(strict, "m9") == 2838
    assert of_design(strict, "m10") == Decimal("0.364")


def test_shapley_values_of_the_declared_chains(strict):
    expected = dict.fromkeys(FIVE, Decimal("0.616667"))
    expected |= {"cpo": Decimal("0.691667"), "city": Decimal("0.065"), "charger": Decimal("0.01")}
    assert {node: round(value or Decimal(0), 6) for node, value in of_nodes(strict, "m14").items()} == expected


def test_fairness_and_core_gap_without_alternatives(strict):
    assert round(of_design(strict, "m16"), 4) == Decimal("0.7450")
    assert of_design(strict, "m17") == 0
    assert set(of_nodes(strict, "m17.coalition").values()) == {0}


def test_fairness_and_core_gap_when_a_session_can_be_paid_by_card(fallback):
    assert of_design(fallback, "m1") == Decimal("3.85")
    assert round(of_design(fallback, "m16"), 4) == Decimal("0.6000")
    assert of_design(fallback, "m17") == Decimal("0.65")
    members = {node for node, member in of_nodes(fallback, "m17.coalition").items() if member}
    assert members == {"driver", "cpo", "energy", "host", "city", "charger"}


def test_loss_without_each_node(strict):
    lost = {node: round(value or Decimal(0), 1) for node, value in of_nodes(strict, "m24").items()}
    assert lost == dict.fromkeys(FIVE, Decimal("96.1")) | {
        "cpo": 100,
        "city": Decimal("3.4"),
        "charger": Decimal("0.5"),
    }
    assert round(of_nodes(strict, "m24")["city"] or Decimal(0), 2) == Decimal("3.38")
    assert round(of_nodes(strict, "m24")["charger"] or Decimal(0), 2) == Decimal("0.52")
    assert of_design(strict, "m25") == 0


def test_a_fallback_stands_in_for_whom_it_does_not_need(fallback):
    lost = of_nodes(fallback, "m24")
    assert three(lost["hub"] or Decimal(0)) == three(Decimal(80) / Decimal("3.85"))
    assert three(lost["driver"] or Decimal(0)) == three(Decimal(370) / Decimal("3.85"))


def test_cycling_of_money_and_of_all_value(strict):
    assert of_design(strict, "m20") == 0
    assert three(of_design(strict, "m20.all")) == Decimal("0.812")


def test_monetised_share_and_yield(strict):
    assert three(of_design(strict, "m32") / 100) == Decimal("0.961")
    assert three(of_design(strict, "m33") / 100) == Decimal("0.785")


def test_finn_s_three_compartments():
    compartments = {("A", "B"): 10, ("B", "C"): 8, ("C", "A"): 4}
    assert cycling_index(compartments).value == Decimal("0.4")
    assert sum(throughflow(compartments).values()) == 28


def test_shapley_s_three_players():
    worths = {"1": 6, "2": 12, "3": 42, "12": 12, "13": 42, "23": 42, "123": 42}
    game = game_from(lambda coalition: worths["".join(sorted(coalition))], "123")
    assert game.shapley == {"1": 2, "2": 5, "3": 35}
    assert core_gap(game, {"1": 2, "2": 5, "3": 35}) == (7, {"2"})
