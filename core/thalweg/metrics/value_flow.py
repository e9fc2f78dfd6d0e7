# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m1 to m5: value created and captured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import ALL, NODE, PARTS, Basis, Better, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, ratio


def created(figures: Figures) -> Value:
    """C."""
    return money(figures.created, figures.currency)


def created_at(figures: Figures, node: str) -> Value:
    """The node's part of C: what it gained of other things than money, less what it gave up and spent."""
    return money(figures.account(node).created, figures.currency)


def created_along(figures: Figures) -> Mapping[Key, Value]:
    """Each exchange's part of C, costs apart: worth to receivers less worth to givers; nothing for money."""
    created = dict.fromkeys(figures.exchanges, 0)
    for exchange, legs in figures.by_exchange.items():
        created[exchange] = sum(leg.v_to - leg.v_from for leg in legs)
    return {(exchange,): money(atoms, figures.currency) for exchange, atoms in created.items()}


def captured(figures: Figures) -> Value:
    """Σ K over all nodes and the rest of the world; equals C."""
    return money(sum(account.captured for account in figures.accounts.values()), figures.currency)


def captured_by(figures: Figures, node: str) -> Value:
    """K of the node."""
    return money(figures.account(node).captured, figures.currency)


def net_cash_of(figures: Figures, node: str) -> Value:
    """Money in less money out."""
    return money(figures.account(node).net_cash, figures.currency)


def capture_ratio(figures: Figures, node: str) -> Value:
    """K / C."""
    return ratio(figures.account(node).captured, figures.created, flows=bool(figures.accounts))


def capture_against_contribution(figures: Figures, node: str) -> Value:
    """K / φ."""
    if node not in figures.contributions:
        return Value(None, Reason.NO_FLOW)
    return ratio(figures.account(node).captured, figures.contributions[node])


ROWS: Final = (
    Metric(
        id="m1",
        name="Value created",
        formula="C = Σ (v_to − v_from) over all flows but money − Σ costs",
        unit=Unit.MONEY,
        levels=ALL,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="What receivers gain beyond what givers give up. Money only changes hands and creates nothing. "
        "A node's part is what it gains of other things than money, less what it gives up and spends; the parts sum "
        "to C.",
        of_node=created_at,
        of_design=created,
        of_each=created_along,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m2",
        name="Value captured",
        formula="K = Σ in v_to − Σ out v_from − costs, money included",
        unit=Unit.MONEY,
        levels=PARTS,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="How much better off a node is, all value counted. Over all nodes it sums to the value created.",
        of_node=captured_by,
        of_design=captured,
    ),
    Metric(
        id="m2.money",
        name="Value captured, money only",
        formula="money in − money out",
        unit=Unit.MONEY,
        levels=NODE,
        basis=Basis.MONEY,
        better=Better.HIGHER,
        explanation="The part of the captured value that is money.",
        of_node=net_cash_of,
    ),
    Metric(
        id="m3",
        name="Net cash flow",
        formula="M = money in − money out",
        unit=Unit.MONEY,
        levels=NODE,
        basis=Basis.MONEY,
        better=Better.HIGHER,
        explanation="Money that a node keeps of what passes through it; negative for who pays.",
        of_node=net_cash_of,
    ),
    Metric(
        id="m4",
        name="Capture ratio",
        formula="K / C",
        unit=Unit.RATIO,
        levels=NODE,
        basis=Basis.ALL,
        explanation="A node's part of all value created. The ratios of all nodes sum to 1.",
        of_node=capture_ratio,
    ),
    Metric(
        id="m5",
        name="Capture against contribution",
        formula="K / φ, where φ is the node's Shapley value (m14)",
        unit=Unit.RATIO,
        levels=NODE,
        basis=Basis.ALL,
        explanation="Above 1, a node captures more than what depends on it would give it by equal parts "
        "(its Shapley value); below 1, less.",
        of_node=capture_against_contribution,
    ),
)
