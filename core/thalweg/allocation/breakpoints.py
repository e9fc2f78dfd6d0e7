"""An agreement in words, for the people who sign it: what each step takes, and the points at which that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thalweg.allocation.turning_points import TurningPoint
from thalweg.decimals import rounded_decimal
from thalweg.design.agreements import Agreement, Guarantee, Reserve, Step, When
from thalweg.design.takes import (
    Flat,
    Mode,
    Of,
    PercentOfGross,
    PercentOfRemainder,
    PerUnit,
    Recoup,
    Span,
    Tiered,
    Tiers,
)
from thalweg.money import format_atoms


def breakpoints(agreement: Agreement, currency: str = "") -> list[str]:
    """Sentences that say all of an agreement's terms, in the order in which they apply; `currency` is its ISO code."""
    return list(_Words(agreement, currency).sentences())


def points_in_words(points: Sequence[TurningPoint], currency: str) -> list[str]:
    """A sentence for each turning point: how each further 100 of `currency` are shared from there on."""
    sentences = []
    for point in points:
        start = format_atoms(round(point.gross_atoms), currency)
        parts = [f"{rounded_decimal(part * 100, 6)} by {step}" for step, part in point.parts.items() if part]
        sentences.append(f"from a gross of {start} {currency} on, of each further 100: {_list(parts)}.")
    return sentences


def take_in_words(agreement: Agreement, step: Step, currency: str = "") -> str:
    """What one step takes, in a few words."""
    words = _Words(agreement, currency)
    if isinstance(step.take, Tiered):
        return "; ".join(words.tiers(step.take.tiered))
    cap = "" if step.cap is None else f", at most {step.cap.amount} {currency} {words.within[step.cap.per]}"
    return words.take(step).rstrip(",") + cap


def in_force_in_words(agreement: Agreement) -> str:
    """When an agreement is in force."""
    start, end = agreement.valid_from, agreement.valid_until
    return " ".join([*([f"from {start}"] if start else []), *([f"until {end}"] if end else [])]) or "at all times"


class _Words:
    """The words for one agreement."""

    def __init__(self, agreement: Agreement, currency: str) -> None:
        self.agreement = agreement
        self.currency = currency
        self.within = {Span.PERIOD: f"in a {agreement.period}", Span.LIFETIME: "in the agreement's lifetime"}

    def sentences(self) -> Iterator[str]:
        yield self._base()
        if self.agreement.is_dated:
            yield f"In force {in_force_in_words(self.agreement)}."
        for number, step in enumerate(self.agreement.steps):
            yield from (f"{step.id}: {sentence}" for sentence in self._step(number, step))
        for guarantee in self.agreement.guarantees:
            yield self._guarantee(guarantee)
        for reserve in self.agreement.reserves:
            yield self._reserve(reserve)

    def _base(self) -> str:
        fed = f"the charges on {self.agreement.on}" if self.agreement.on else "what other agreements put into its pool"
        less = f", less those on {_list(self.agreement.deductions)}" if self.agreement.deductions else ""
        return f"Shared, by the {self.agreement.period}, and called gross below: {fed}{less}."

    def _step(self, number: int, step: Step) -> Iterator[str]:
        who = self._recipients(step)
        when = "" if step.when is None else self._when(step.when)
        take = step.take
        if isinstance(take, Tiered):
            yield from (f"{when}{words}, to {who}." for words in self.tiers(take.tiered))
        elif step.is_remainder:
            yield f"all that is left, to {who}."
        else:
            yield f"{when}{self.take(step)} to {who}, as far as money is left."
        if isinstance(take, Recoup):
            total = self._money(take.recoup.total)
            yield f"once the account {take.recoup.account} has {total}, nothing; the steps behind share what it took."
        if step.cap is not None:
            cap = self._money(step.cap.amount)
            yield f"never more than {cap} {self.within[step.cap.per]}; the rest stays for the steps behind."
        if step.floor_of_remainder is not None:
            floor = self._money(step.floor_of_remainder)
            yield f"only as far as {floor} stay for the steps behind in a {self.agreement.period}."
        beside = [
            other.id
            for other in self.agreement.steps
            if step.priority is not None and other.priority == step.priority and other.id != step.id
        ]
        if beside and number == min(n for n, s in enumerate(self.agreement.steps) if s.priority == step.priority):
            yield f"side by side with {_list(beside)}: where money is short, each gets the same part of its due."

    def _recipients(self, step: Step) -> str:
        if step.pool is not None:
            return f"the pool of {step.pool}"
        weights = step.weights
        if len(weights) == 1:
            return next(iter(weights))
        return _list([f"{role} ({weight})" for role, weight in weights.items()]) + " by these weights"

    def take(self, step: Step) -> str:
        match step.take:
            case PercentOfGross(percent_of_gross=percent):
                return f"{percent} percent of gross"
            case PercentOfRemainder(percent_of_remainder=percent):
                return f"{percent} percent of what is left"
            case PerUnit(per_unit=rate):
                return f"{self._money(rate.amount)} for each {rate.unit or 'unit'} of {rate.meter}"
            case Flat(flat=flat):
                return f"{self._money(flat.amount)}, once {self.within[flat.per]},"
            case Recoup(recoup=recoup):
                return f"{recoup.percent_of_remainder} percent of what is left"
            case _:
                return "all that is left"

    def tiers(self, tiers: Tiers) -> Iterator[str]:
        of_gross = tiers.on is Of.GROSS
        counted = "gross" if of_gross else f"{tiers.unit or 'units'} of {tiers.meter}"
        lower: str | None = None
        for upper, rate in tiers.tiers:
            share = f"{rate} percent" if of_gross else f"{self._money(rate)} for each"
            place = _between(self._bound(lower, of_gross), self._bound(upper, of_gross))
            if tiers.mode is Mode.GRADUATED:
                yield f"{share} of {counted} {self.within[tiers.per]} {place}"
            else:
                yield f"{share} of all {counted} {self.within[tiers.per]}, if they are {place}"
            lower = upper

    def _when(self, when: When) -> str:
        conditions = []
        if when.attribute is not None:
            conditions.append(f"where {when.attribute} is {_list(when.is_in or (), 'or')}")
        if when.from_date is not None:
            conditions.append(f"from {when.from_date}")
        if when.until is not None:
            conditions.append(f"before {when.until}")
        if when.has_threshold:
            of_gross = when.of is Of.GROSS
            counted = "gross" if of_gross else f"{when.meter}"
            place = _between(self._bound(when.above, of_gross), self._bound(when.up_to, of_gross))
            conditions.append(f"for {counted} {self.within[when.per]} {place}")
        return "".join(f"{condition}, " for condition in conditions)

    def _guarantee(self, guarantee: Guarantee) -> str:
        prorated = ", for part of one by its days" if guarantee.prorate == "days" else ""
        limit = "even beyond what they have of it" if guarantee.recourse else "as far as they have something of it"
        minimum = self._money(guarantee.minimum)
        return (
            f"Guarantee: {guarantee.party} has at least {minimum} of each {self.agreement.period}{prorated}; what is "
            f"missing, {_list(guarantee.funded_by)} give in proportion to their shares, {limit}."
        )

    def _reserve(self, reserve: Reserve) -> str:
        return (
            f"Reserve: {reserve.percent} percent of what is due to {reserve.party} is held back, and paid "
            f"{reserve.days} days after the {self.agreement.period}'s end."
        )

    def _bound(self, bound: str | None, of_gross: bool) -> str | None:
        return self._money(bound) if bound is not None and of_gross else bound

    def _money(self, amount: str) -> str:
        return f"{amount} {self.currency}".strip()


def _between(lower: str | None, upper: str | None) -> str:
    if upper is None:
        return "from the first" if lower is None else f"above {lower}"
    return f"up to {upper}" if lower is None else f"above {lower} and up to {upper}"


def _list(words: tuple[str, ...] | list[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
