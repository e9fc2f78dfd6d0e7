"""What an agreement remembers: the sums that a segment of time opens with, and closes with for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What has accumulated over a span of time. Amounts in atoms, quantities in smallest steps."""

    #: the base that was shared
    gross: int = 0
    #: meter id → quantity
    units: Mapping[str, int] = field(default_factory=dict)
    #: step id → what it took
    taken: Mapping[str, int] = field(default_factory=dict)
    #: step id → what it would have taken without its cap; by this, refunds of what was capped take nothing back
    accrued: Mapping[str, int] = field(default_factory=dict)
    #: step id → what it left behind it; only for steps that leave a floor
    left: Mapping[str, int] = field(default_factory=dict)

    def plus(self, other: Sums) -> Sums:
        """The sums over both."""
        return Sums(
            gross=self.gross + other.gross,
            units=_plus(self.units, other.units),
            taken=_plus(self.taken, other.taken),
            accrued=_plus(self.accrued, other.accrued),
            left=_plus(self.left, other.left),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that is being recouped."""

    #: atoms paid back so far, from 0 to the account's total
    recouped: int = 0
    #: atoms that would have been paid back if the account had no total
    accrued: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The opening or closing state of an agreement."""

    period: Sums = field(default_factory=Sums)
    """Since the period began: not empty only behind an amendment in mid-period."""
    lifetime: Sums = field(default_factory=Sums)
    """Since the agreement began, the period so far included."""
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def next_period(self) -> State:
        """The state that the next period opens with, after this one closed its own."""
        return State(lifetime=self.lifetime, accounts=self.accounts)

    def after(self, segment: Sums, accounts: Mapping[str, Account]) -> State:
        """The state behind a segment that opened with this one; `accounts` are the new ones of those that changed."""
        return State(
            period=self.period.plus(segment),
            lifetime=self.lifetime.plus(segment),
            accounts={**self.accounts, **accounts},
        )


#: an agreement that has shared nothing yet
NEW: Final = State()


def _plus(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
