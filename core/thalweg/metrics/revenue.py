"""Metrics m6 to m9: the gross, who gets which share of it, and how concentrated the shares are."""

from __future__ import annotations

from fractions import Fraction

from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Reason, Value, money, ratio

_POINTS = 10_000


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
    return _index(_cash_gains(figures))


def normalised_concentration(figures: Figures) -> Value:
    """The same, 0 for equal shares and 10,000 for a single one."""
    return _normalised_index(_cash_gains(figures))


def value_concentration(figures: Figures) -> Value:
    """Herfindahl-Hirschman index of the captured value, money and other."""
    return _index(_captured_gains(figures))


def normalised_value_concentration(figures: Figures) -> Value:
    """The same, 0 for equal shares and 10,000 for a single one."""
    return _normalised_index(_captured_gains(figures))


def _cash_gains(figures: Figures) -> list[int]:
    return [account.net_cash for account in figures.accounts.values() if account.net_cash > 0]


def _captured_gains(figures: Figures) -> list[int]:
    return [account.captured for account in figures.accounts.values() if account.captured > 0]


def _index(gains: list[int]) -> Value:
    return ratio(sum(gain**2 for gain in gains), sum(gains) ** 2, scale=_POINTS, flows=bool(gains))


def _normalised_index(gains: list[int]) -> Value:
    if len(gains) < 2:  # a single share is neither equal to others nor unequal
        return ratio(0, 0, flows=bool(gains))
    equal = Fraction(1, len(gains))
    index = Fraction(sum(gain**2 for gain in gains), sum(gains) ** 2)
    return ratio(index - equal, 1 - equal, scale=_POINTS)
