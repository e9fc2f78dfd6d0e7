"""Metrics m1 to m5: value created and captured. `node` None is the design as a whole."""

from __future__ import annotations

from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Reason, Value, money, ratio


def value_created(figures: Figures, node: str | None) -> Value:
    """m1. C, and a node's part of it: the parts sum to C."""
    return money(figures.created if node is None else figures.account(node).created, figures.currency)


def value_captured(figures: Figures, node: str | None) -> Value:
    """m2. K of a node; for the design the sum over its nodes and the rest of the world, which equals C."""
    if node is None:
        return money(sum(account.captured for account in figures.accounts.values()), figures.currency)
    return money(figures.account(node).captured, figures.currency)


def net_cash_flow(figures: Figures, node: str | None) -> Value:
    """m3 and, as money only, m2. Money in less money out; 0 for the design with the rest of the world."""
    if node is None:
        return money(sum(account.net_cash for account in figures.accounts.values()), figures.currency)
    return money(figures.account(node).net_cash, figures.currency)


def capture_ratio(figures: Figures, node: str | None) -> Value:
    """m4. K of the node / C."""
    if node is None:
        return Value(None, Reason.NO_FLOW)
    return ratio(figures.account(node).captured, figures.created, flows=bool(figures.accounts))


def capture_against_contribution(figures: Figures, node: str | None) -> Value:
    """m5. K of the node / φ of the node."""
    if node is None or node not in figures.contributions:
        return Value(None, Reason.NO_FLOW)
    return ratio(figures.account(node).captured, figures.contributions[node])
