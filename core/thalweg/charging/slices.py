"""Slices of time: what charges and shares are computed by, since the terms are the same throughout each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from thalweg.design.agreements import Agreement, counted_by, reached_by, recipients_of
from thalweg.design.document import Design
from thalweg.design.quarters import beginning_of, instant, period_start


class Slice(NamedTuple):
    """A stretch of time in which the same terms are in force, or none, within one period. Sorts by time."""

    #: first quarter hour of the period; 0 where time does not matter
    period: int
    #: how many versions have begun or ended before
    segment: int


@dataclass(frozen=True)
class SharingTimes:
    """How time and attributes cut what an agreement shares, the pools that it feeds included."""

    agreement: Agreement
    zone: str
    #: the quarter hours at which a step begins or ceases to apply, in their order
    cuts: tuple[int, ...]
    #: the attributes that steps depend on, sorted
    attributes: tuple[str, ...]
    #: ids of the meters whose units steps count, sorted
    meters: tuple[str, ...]
    #: all roles that may be paid a share
    recipients: frozenset[str]
    #: whether its shares depend on all that has been since it began
    is_lifelong: bool

    @property
    def name(self) -> str:
        """Tells these slices from those of an exchange: no id can be so."""
        return f"agreement:{self.agreement.id}"

    def slice_of(self, quarter: int) -> Slice:
        """The slice that holds `quarter`."""
        return Slice(period_start(quarter, self.agreement.period, self.zone), bisect_right(self.cuts, quarter))

    def start_of(self, piece: Slice) -> int:
        """The first quarter hour of a slice."""
        return max(piece.period, self.cuts[piece.segment - 1]) if piece.segment else piece.period

    def day_of(self, piece: Slice) -> date:
        """The day on which a slice begins, in the design's zone."""
        return beginning_of(self.start_of(piece)).astimezone(ZoneInfo(self.zone)).date()


def sharing_times(design: Design) -> Mapping[str, SharingTimes]:
    """By exchange id: how the agreements cut time whose shares depend on more than the base of a window."""
    found: dict[str, SharingTimes] = {}
    for agreement in design.agreements:
        reached = reached_by(agreement, design.agreements)
        if agreement.on is not None and not all(each.gives_fixed_parts for each in reached):
            steps = [step for each in reached for step in each.steps]
            conditions = [step.when for step in steps if step.when is not None]
            days = {day for when in conditions for day in (when.from_date, when.until) if day is not None}
            found[agreement.on] = SharingTimes(
                agreement=agreement,
                zone=design.zone,
                cuts=tuple(sorted(instant(day.isoformat(), design.zone) for day in days)),
                attributes=tuple(sorted({when.attribute for when in conditions if when.attribute is not None})),
                meters=tuple(sorted({meter for step in steps for meter, _ in counted_by(step)})),
                recipients=recipients_of(agreement, design.agreements),
                is_lifelong=any(step.is_lifelong for step in steps),
            )
    return found
