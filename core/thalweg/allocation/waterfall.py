"""The waterfall: what each step of an agreement takes of a cumulative base, before anything is rounded.

Every amount has the base's sign: of a negative base, recipients give back. The same code serves one number and
columns of them (`thalweg.allocation.arithmetic`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from thalweg.allocation.arithmetic import Amount, Arithmetic
from thalweg.allocation.state import Account, State, Sums
from thalweg.allocation.terms import CompiledStep, Kind, Terms, Tier, Window
from thalweg.design.takes import Span

_NO_ACCOUNT: Final = Account()


class Taken(NamedTuple):
    """What one step takes. Amounts are scaled."""

    step: CompiledStep
    amount: Amount
    #: what its cap or its account's total keeps it from taking
    beyond: Amount
    #: what is left behind it, and behind those that take side by side with it
    left: Amount


class Basis(NamedTuple):
    """What a segment is shared by."""

    #: the cumulative base of the segment, scaled
    gross: Amount
    #: meter id → cumulative quantity of the segment
    units: Mapping[str, Amount]
    opening: State
    #: ids of the steps whose conditions on day and attributes do not hold
    idle: frozenset[str]


def takes(terms: Terms, basis: Basis, arithmetic: Arithmetic) -> list[Taken]:
    """What each step takes, in their order; the amounts sum to the base."""
    waterfall = _Waterfall(terms, basis, arithmetic)
    found: list[Taken] = []
    left = basis.gross
    for group in terms.groups:
        wanted = [waterfall.wanted(step, left, is_alone=len(group) == 1) for step in group]
        amounts = [amount for amount, _ in wanted]
        if len(group) > 1:
            amounts = list(arithmetic.in_proportion(amounts, left))
        left = left - sum(amounts)
        found += [
            Taken(step, amount, beyond, left) for step, amount, (_, beyond) in zip(group, amounts, wanted, strict=True)
        ]
    return found


class _Waterfall:
    """One agreement over one basis."""

    def __init__(self, terms: Terms, basis: Basis, arithmetic: Arithmetic) -> None:
        self.scale = terms.scale
        self.basis = basis
        self.arithmetic = arithmetic

    def wanted(self, step: CompiledStep, left: Amount, *, is_alone: bool) -> tuple[Amount, Amount]:
        """What is due to a step of what is left, and what its limit keeps it from taking.

        Alone, a step is limited to what is left; side by side, what is due may be more than that in all.
        """
        if step.kind is Kind.REMAINDER:
            return left, 0
        if step.id in self.basis.idle:
            return left * 0, 0
        raw = self._raw(step, left)
        if is_alone or step.floor is not None:
            amount = self.arithmetic.clip(
                raw, *self._from_zero(left if step.floor is None else self._above_floor(step, left))
            )
        else:
            least, most = self._from_zero(raw)
            amount = self.arithmetic.where(left < 0, least, most)
        limited = amount
        if step.kind is Kind.RECOUP:
            account = self.basis.opening.accounts.get(step.account or "", _NO_ACCOUNT)
            limited = self._limited(limited, 0, step.amount, account.recouped, account.accrued)
        if step.cap is not None:
            sums = self._sums(step.cap_span)
            taken, accrued = sums.taken.get(step.id, 0), sums.accrued.get(step.id, 0)
            limited = self._limited(limited, -step.cap, step.cap, taken, accrued)
        return limited, amount - limited

    def _raw(self, step: CompiledStep, left: Amount) -> Amount:
        """What the step's take gives, whatever is there to take it from."""
        part = self.arithmetic.part
        match step.kind:
            case Kind.FLAT:
                return self._flat(step)
            case Kind.TIERS_OF_GROSS:
                before = self._sums(step.span).gross * self.scale
                return self._risen(step, before, self.basis.gross)
            case Kind.TIERS_OF_UNITS:
                meter = step.meter or ""
                return self._risen(step, self._sums(step.span).units.get(meter, 0), self.basis.units[meter])
            case Kind.UNITS:
                raw = self._within(step, self.basis.units[step.meter or ""]) * step.numerator
            case Kind.GROSS:
                raw = part(self._within(step, self.basis.gross), step.numerator, step.denominator)
            case _:
                raw = part(left, step.numerator, step.denominator)
        return raw if step.follows_window or step.window is None else self._share_within(step.window, raw)

    def _flat(self, step: CompiledStep) -> Amount:
        due = max(0, step.amount - self._sums(step.span).taken.get(step.id, 0) * self.scale)
        if step.window is None:
            return due
        before, now = self._counted(step.window)
        reached = before + now > step.window.low
        if step.window.high is not None:
            reached = reached & (before + now <= step.window.high)
        return self.arithmetic.where(reached, due, 0)

    def _risen(self, step: CompiledStep, before: int, now: Amount) -> Amount:
        """How much the sum over the tiers rises by `now`."""
        total = self._volume if step.is_volume else self._graduated
        return total(step.tiers, before + now) - total(step.tiers, before)

    def _graduated(self, tiers: Iterable[Tier], value: Amount) -> Amount:
        """Each slice at its own rate."""
        arithmetic, magnitude, lower = self.arithmetic, abs(value), 0
        total: Amount = 0
        for tier in tiers:
            reached = arithmetic.where(magnitude > lower, magnitude, lower)
            top = reached if tier.upper is None else arithmetic.clip(reached, lower, tier.upper)
            total = total + arithmetic.part(top - lower, tier.numerator, tier.denominator)
            lower = tier.upper or 0
        return arithmetic.where(value < 0, -total, total)

    def _volume(self, tiers: Iterable[Tier], value: Amount) -> Amount:
        """All at the rate of the tier that the whole has reached."""
        total: Amount = 0
        for tier in reversed(tuple(tiers)):
            at_rate = self.arithmetic.part(value, tier.numerator, tier.denominator)
            total = at_rate if tier.upper is None else self.arithmetic.where(abs(value) <= tier.upper, at_rate, total)
        return total

    def _within(self, step: CompiledStep, value: Amount) -> Amount:
        """The part of the segment's gross or units that the step applies to."""
        if step.window is None or not step.follows_window:
            return value
        return self._rise_within(step.window)

    def _rise_within(self, window: Window) -> Amount:
        """How much of what the segment adds lies within the window."""
        before, now = self._counted(window)
        low, clip = window.low, self.arithmetic.clip
        after = before + now
        high = window.high
        above_before = max(before - low, 0) if high is None else min(max(before - low, 0), high - low)
        top = self.arithmetic.where(after > low, after - low, 0) if high is None else clip(after - low, 0, high - low)
        return top - above_before

    def _share_within(self, window: Window, raw: Amount) -> Amount:
        """The part of `raw` that goes with the part of what the segment adds within the window."""
        before, now = self._counted(window)
        if now == 0:
            return raw if before > window.low and (window.high is None or before <= window.high) else 0
        return self.arithmetic.part(raw, self._rise_within(window), now)

    def _counted(self, window: Window) -> tuple[int, Amount]:
        """What a window counts: before the segment, and by it."""
        sums = self._sums(window.span)
        if window.meter is None:
            return sums.gross * self.scale, self.basis.gross
        return sums.units.get(window.meter, 0), self.basis.units[window.meter]

    def _above_floor(self, step: CompiledStep, left: Amount) -> Amount:
        floor = max(0, (step.floor or 0) - self.basis.opening.period.left.get(step.id, 0) * self.scale)
        return self.arithmetic.where(left > floor, left - floor, self.arithmetic.where(left > 0, 0, left))

    def _limited(self, amount: Amount, low: int, high: int, taken: int, accrued: int) -> Amount:
        """What a limit on the sum lets a step take; the sum so far and what it would be without limit are atoms."""
        clip, scale = self.arithmetic.clip, self.scale
        least, most = self._from_zero(amount)
        return clip(clip(accrued * scale + amount, low, high) - taken * scale, least, most)

    def _from_zero(self, amount: Amount) -> tuple[Amount, Amount]:
        positive = self.arithmetic.where(amount > 0, amount, 0)
        return amount - positive, positive

    def _sums(self, span: Span) -> Sums:
        opening = self.basis.opening
        return opening.period if span is Span.PERIOD else opening.lifetime
