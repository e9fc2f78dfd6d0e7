"""When terms are in force: the tariffs of one exchange, and its agreements, are versions that follow each other."""

from __future__ import annotations

from itertools import accumulate
from typing import Final, NamedTuple

from thalweg.design.agreements import Agreement
from thalweg.design.quarters import instant
from thalweg.design.tariffs import Tariff

#: before and behind every quarter hour that has a date
_BEGINNING: Final = -(1 << 40)
_END: Final = 1 << 40


class Validity(NamedTuple):
    """A stretch of time, half-open, in quarter hours; by default all of it. Sorts by time."""

    start: int = _BEGINNING
    end: int = _END

    @property
    def cuts(self) -> tuple[int, ...]:
        """The quarter hours at which it begins and ends, as far as it does."""
        return tuple(each for each in self if each not in (_BEGINNING, _END))

    def holds(self, quarter: int) -> bool:
        """Whether `quarter` is in it."""
        return self.start <= quarter < self.end

    def overlaps(self, other: Validity) -> bool:
        """Whether both have time in common."""
        return self.start < other.end and other.start < self.end


class Slice(NamedTuple):
    """A stretch of time in which the same terms are in force, or none, within one period. Sorts by time."""

    #: first quarter hour of the period; 0 where time does not matter
    period: int
    #: how many versions have begun or ended before
    segment: int


def validity_of(terms: Tariff | Agreement, zone: str) -> Validity:
    """When `terms` are in force; raises ValueError for a moment that `zone` does not have."""
    return Validity(
        instant(terms.valid_from, zone) if terms.valid_from is not None else _BEGINNING,
        instant(terms.valid_until, zone) if terms.valid_until is not None else _END,
    )


def gaps_between(spans: list[Validity]) -> list[Validity]:
    """The time before, between and behind stretches in their order: one more than these, empty where they meet."""
    starts = accumulate((span.end for span in spans), max, initial=_BEGINNING)
    ends = [*(span.start for span in spans), _END]
    return [Validity(start, end) for start, end in zip(starts, ends, strict=True)]
