# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m6 to m10: the gross, who gets which share of it, and how unequal the shares are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import NODE, WHOLES, Basis, Better, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, ratio

_POINTS: Final = 10_000


def gross(figures: Figures) -> Value:
    """G: the money of the final payers, less what they get back."""
    return money(figures.gross, figures.currency)


def revenue_share(figures: Figures, node: str) -> Value:
    """M / G in percent, for a node whose net cash flow M is positive."""
    net_cash = figures.account(node).net_cash
    if net_cash <= 0:
        return Value(None, Reason.NOT_POSITIVE if figures.gross else Reason.NO_FLOW)
    return ratio(net_cash, figures.gross, scale=100)


def pass_through(figures: Figures, node: str) -> Value:
    """The smaller of money in and money out against the larger: 1 for a node that keeps nothing."""
    account = figures.account(node)
    money_in, money_out = account.money_in, account.money_out
    if min(money_in, money_out) < 0:
        return Value(None, Reason.NOT_POSITIVE)
    return ratio(min(money_in, money_out), max(money_in, money_out), flows=bool(money_in or money_out))


def concentration(figures: Figures) -> Value:
    """Herfindahl-Hirschman index of the revenue shares."""
    return _index(cash_gains(figures))


def normalised_concentration(figures: Figures) -> Value:
    """The same, 0 for equal shares and 10,000 for a single one."""
    return _normalised_index(cash_gains(figures))


def value_concentration(figures: Figures) -> Value:
    """Herfindahl-Hirschman index of the captured value, money and other."""
    return _index(_captured_gains(figures))


def normalised_value_concentration(figures: Figures) -> Value:
    """The same, 0 for equal shares and 10,000 for a single one."""
    return _normalised_index(_captured_gains(figures))


def inequality(figures: Figures) -> Value:
    """Gini coefficient of the revenue shares."""
    return _gini(cash_gains(figures))


def value_inequality(figures: Figures) -> Value:
    """Gini coefficient of the captured value where it is positive."""
    return _gini(_captured_gains(figures))


def cash_gains(figures: Figures) -> list[int]:
    """What those keep of the gross who keep something, in atoms."""
    return [account.net_cash for account in figures.accounts.values() if account.net_cash > 0]


def _captured_gains(figures: Figures) -> list[int]:
    return [account.captured for account in figures.accounts.values() if account.captured > 0]


def _index(gains: Sequence[int]) -> Value:
    return ratio(sum(gain**2 for gain in gains), sum(gains) ** 2, scale=_POINTS, flows=bool(gains))


def _normalised_index(gains: Sequence[int]) -> Value:
    if len(gains) < 2:  # a single share is neither equal to others nor unequal
        return ratio(0, 0, flows=bool(gains))
    equal = Fraction(1, len(gains))
    index = Fraction(sum(gain**2 for gain in gains), sum(gains) ** 2)
    return ratio(index - equal, 1 - equal, scale=_POINTS)


def _gini(gains: Sequence[int]) -> Value:
    """Half the mean difference between two shares, per mean share."""
    count = len(gains)
    ranked = sum((2 * place - count + 1) * gain for place, gain in enumerate(sorted(gains)))
    return ratio(ranked, count * sum(gains), flows=bool(gains))


ROWS: Final = (
    Metric(
        id="m6",
        name="Gross",
        formula="G = Σ −M over nodes with M < 0",
        unit=Unit.MONEY,
        levels=WHOLES,
        basis=Basis.MONEY,
        better=Better.HIGHER,
        explanation="The money of the final payers: those who pay more than they get. The others share it.",
        of_design=gross,
    ),
    Metric(
        id="m7",
        name="Revenue share",
        formula="M / G for M > 0",
        unit=Unit.PERCENT,
        levels=NODE,
        basis=Basis.MONEY,
        explanation="A node's part of the gross. The shares sum to 100 %.",
        of_node=revenue_share,
    ),
    Metric(
        id="m8",
        name="Pass-through",
        formula="min(money in, money out) / max(money in, money out)",
        unit=Unit.RATIO,
        levels=NODE,
        basis=Basis.MONEY,
        explanation="Near 1, a node hands on nearly all money that it gets; 0, it only pays or only gets.",
        of_node=pass_through,
    ),
    Metric(
        id="m9",
        name="Concentration",
        formula="Σ s² × 10,000 over the revenue shares s",
        unit=Unit.POINTS,
        levels=WHOLES,
        basis=Basis.MONEY,
        better=Better.LOWER,
        source="Herfindahl (1950); Hirschman (1964)",
        explanation="Herfindahl-Hirschman index: 10,000 where one node gets all; above 2,500 counts as concentrated.",
        of_design=concentration,
    ),
    Metric(
        id="m9.normalised",
        name="Concentration, normalised",
        formula="(H − 1/n) / (1 − 1/n) × 10,000 over n revenue shares",
        unit=Unit.POINTS,
        levels=WHOLES,
        basis=Basis.MONEY,
        better=Better.LOWER,
        source="Herfindahl (1950); Hirschman (1964)",
        explanation="The concentration beyond what the number of nodes alone makes: 0 where all shares are equal.",
        of_design=normalised_concentration,
    ),
    Metric(
        id="m9.all",
        name="Concentration of captured value",
        formula="Σ s² × 10,000 over s = K / Σ K for K > 0",
        unit=Unit.POINTS,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.LOWER,
        source="Herfindahl (1950); Hirschman (1964)",
        explanation="The concentration with all value counted, not money alone.",
        of_design=value_concentration,
    ),
    Metric(
        id="m9.all-normalised",
        name="Concentration of captured value, normalised",
        formula="(H − 1/n) / (1 − 1/n) × 10,000 over n parts of the captured value",
        unit=Unit.POINTS,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.LOWER,
        source="Herfindahl (1950); Hirschman (1964)",
        explanation="The same beyond what the number of nodes alone makes.",
        of_design=normalised_value_concentration,
    ),
    Metric(
        id="m10",
        name="Inequality",
        formula="Gini = Σ (2i − n − 1) sᵢ / (n Σ s) over the revenue shares s in ascending order",
        unit=Unit.RATIO,
        levels=WHOLES,
        basis=Basis.MONEY,
        better=Better.LOWER,
        source="Gini (1912)",
        explanation="0 where all who earn get the same; near 1 where one of many gets all.",
        of_design=inequality,
    ),
    Metric(
        id="m10.all",
        name="Inequality of captured value",
        formula="the same over K for K > 0",
        unit=Unit.RATIO,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.LOWER,
        source="Gini (1912)",
        explanation="The inequality with all value counted, not money alone.",
        of_design=value_inequality,
    ),
)
