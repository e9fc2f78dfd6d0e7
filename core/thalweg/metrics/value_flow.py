"""Metrics m1 to m5: value created and captured."""

from __future__ import annotations

from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Reason, Value, money, ratio


def created(figures: Figures) -> Value:
    """C."""
    return money(figures.created, figures.currency)


def created_at(figures: Figures, node: str) -> Value:
    """The node's part of C: what it gained of other things than money, less what it gave up."""
    return money(figures.account(node).created, figures.currency)


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
