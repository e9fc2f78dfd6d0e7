"""Slices of time: what charges and shares are computed by, since the terms are the same throughout each."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from thalweg.design.agreements import Agreement, counted_by, reached_by, recipients_of
from thalweg.design.document import Design
from thalweg.design.periods import Period
from thalweg.design.quarters import beginning_of, instant, period_start
from thalweg.design.validity import Validity, validity_of


class Slice(NamedTuple):
    """A stretch of time in which the same terms are in force, or none, within one period. Sorts by time."""

    #: first quarter hour of the period; 0 where time does not matter
    period: int
    #: how many versions have begun or ended before
    segment: int


@dataclass(frozen=True)
class SharingTimes:
    """How time and attributes cut what the agreements on an exchange share, the pools that they feed included."""

    #: the exchange whose charges they share
    paid: str
    #: one or several that follow each other, each with the time in which it is in force; in the order of time
    versions: tuple[tuple[Validity, Agreement], ...]
    zone: str
    #: the quarter hours at which a version or a step begins or ceases to apply, in their order
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
        return f"agreements:{self.paid}"

    @property
    def period(self) -> Period:
        """After which sums begin anew."""
        return self.versions[0][1].period

    @cached_property
    def deductions(self) -> tuple[str, ...]:
        """The exchanges whose charges some version takes off before sharing."""
        return tuple(dict.fromkeys(each for _, version in self.versions for each in version.deductions))

    def slice_of(self, quarter: int) -> Slice:
        """The slice that holds `quarter`."""
        return Slice(period_start(quarter, self.period, self.zone), bisect_right(self.cuts, quarter))

    def version_of(self, piece: Slice) -> Agreement | None:
        """The agreement in force throughout a slice; None where there is nothing to share."""
        start = self.start_of(piece)
        return next((agreement for validity, agreement in self.versions if validity.holds(start)), None)

    def start_of(self, piece: Slice) -> int:
        """The first quarter hour of a slice."""
        return max(piece.period, self.cuts[piece.segment - 1]) if piece.segment else piece.period

    def day_of(self, piece: Slice) -> date:
        """The day on which a slice begins, in the design's zone."""
        return beginning_of(self.start_of(piece)).astimezone(ZoneInfo(self.zone)).date()


def sharing_times(design: Design) -> Mapping[str, SharingTimes]:
    """By exchange id: how the agreements cut time whose shares depend on more than the base of a window."""
    together: defaultdict[str, list[Agreement]] = defaultdict(list)
    for agreement in design.agreements:
        if agreement.on is not None:
            together[agreement.on].append(agreement)
    return {
        paid: _times(design, paid, versions)
        for paid, versions in together.items()
        if any(each.is_dated for each in versions)
        or not all(each.gives_fixed_parts for each in reached_by(versions[0], design.agreements))
    }


def _times(design: Design, paid: str, agreements: list[Agreement]) -> SharingTimes:
    versions = sorted([(validity_of(each, design.zone), each) for each in agreements], key=lambda each: each[0])
    reached = {each.id: each for version in agreements for each in reached_by(version, design.agreements)}
    steps = [step for each in reached.values() for step in each.steps]
    conditions = [step.when for step in steps if step.when is not None]
    days = {day for when in conditions for day in (when.from_date, when.until) if day is not None}
    cuts = {instant(day.isoformat(), design.zone) for day in days}
    return SharingTimes(
        paid=paid,
        versions=tuple(versions),
        zone=design.zone,
        cuts=tuple(sorted(cuts.union(*(validity.cuts for validity, _ in versions)))),
        attributes=tuple(sorted({when.attribute for when in conditions if when.attribute is not None})),
        meters=tuple(sorted({meter for step in steps for meter, _ in counted_by(step)})),
        recipients=frozenset().union(*(recipients_of(each, design.agreements) for each in agreements)),
        is_lifelong=any(step.is_lifelong for step in steps),
    )
