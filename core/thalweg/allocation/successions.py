"""What tells the sums of agreements apart (time, attributes, participants), and which agreements share together.

Those do whose money meets in a pool that does more than give fixed parts: its sums are of all that is put into it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from thalweg.design.agreements import Agreement, counted_by, reached_by
from thalweg.design.periods import Period
from thalweg.design.quarters import beginning_of, instant, period_start
from thalweg.design.validity import Slice, Validity, validity_of


class Deal(NamedTuple):
    """Who shares, and what steps depend on: each deal of an agreement has sums of its own."""

    #: (role, participant), sorted
    parties: tuple[tuple[str, str], ...]
    #: (attribute, value), sorted
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Succession:
    """Agreements on one exchange that follow each other and hand their sums on; or a pool, by itself."""

    #: what its versions have in common (`Agreement.line_of_versions`)
    name: str
    #: one or several, each with the time in which it is in force; in the order of time
    versions: tuple[tuple[Validity, Agreement], ...]
    zone: str
    #: the quarter hours at which a version, or a step of it or of a pool that it feeds, begins or ceases to apply
    cuts: tuple[int, ...]
    #: the attributes that steps depend on, those of pools that it feeds too; sorted
    attributes: tuple[str, ...]
    #: the roles that its money may reach, through pools too, and the payee of its charges
    roles: frozenset[str]
    #: ids of the meters whose units its own steps count, sorted
    meters: tuple[str, ...]
    #: when something may be put into it: what is counted at other times does not count
    fed: tuple[Validity, ...]
    #: whether its shares depend on all that has been since it began
    is_lifelong: bool

    @property
    def period(self) -> Period:
        """After which sums begin anew."""
        return self.versions[0][1].period

    @cached_property
    def deductions(self) -> tuple[str, ...]:
        """The exchanges whose charges some version takes off before sharing."""
        return tuple(dict.fromkeys(each for _, version in self.versions for each in version.deductions))

    def slice_of(self, quarter: int) -> Slice:
        """The slice that holds `quarter`; it is never cut by another slice of what feeds this."""
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

    def deal_of(self, parties: Mapping[str, str], attributes: Mapping[str, str]) -> Deal:
        """The deal of these (role → participant, attribute → value), which may be more than it tells apart."""
        return Deal(
            tuple(sorted((role, parties[role]) for role in self.roles)),
            tuple((name, attributes[name]) for name in self.attributes if name in attributes),
        )


@dataclass(frozen=True)
class Network:
    """What is shared together, and depends on nothing else."""

    #: the exchanges whose charges are shared
    paid: tuple[str, ...]
    #: each behind all that feed it
    successions: tuple[Succession, ...]

    def on(self, exchange_id: str) -> Succession:
        """The agreements on one of the exchanges."""
        return next(each for each in self.successions if each.versions[0][1].on == exchange_id)


def networks(agreements: Sequence[Agreement], payees: Mapping[str, str], zone: str) -> tuple[Network, ...]:
    """What is shared by more than the base of a window: of all other exchanges, agreements give fixed parts always.

    `payees`: exchange id → the role that its charges are paid to.
    """
    return _Among(agreements, payees, zone).networks()


class _Among:
    """The agreements of a design, by the names of their successions."""

    def __init__(self, agreements: Sequence[Agreement], payees: Mapping[str, str], zone: str) -> None:
        self._payees = payees
        self._zone = zone
        self._name_of = {each.id: each.line_of_versions for each in agreements}
        self._versions: dict[str, list[Agreement]] = {}
        for each in agreements:
            self._versions.setdefault(each.line_of_versions, []).append(each)
        #: all that the money of any version may pass, the versions included
        self._reached = {
            name: {each.id: each for version in own for each in reached_by(version, agreements)}
            for name, own in self._versions.items()
        }

    def networks(self) -> tuple[Network, ...]:
        """Successions on exchanges together, where they reach the same one that does more than give fixed parts."""
        found: list[tuple[list[str], set[str]]] = []
        for name, own in self._versions.items():
            met = {each.line_of_versions for each in self._reached[name].values() if not each.gives_fixed_parts}
            if own[0].on is None or not (met or any(each.is_dated for each in own)):
                continue
            names = [name]
            for other in [each for each in found if not met.isdisjoint(each[1])]:
                found.remove(other)
                names, met = other[0] + names, other[1] | met
            found.append((names, met))
        return tuple(self._network(names) for names, _ in found)

    def _network(self, feeding: Sequence[str]) -> Network:
        paid = [own.on for name in feeding for own in self._versions[name][:1] if own.on is not None]
        return Network(tuple(paid), tuple(self._succession(name, feeding) for name in self._in_order(feeding)))

    def _succession(self, name: str, feeding: Sequence[str]) -> Succession:
        versions = sorted([(validity_of(each, self._zone), each) for each in self._versions[name]], key=itemgetter(0))
        reached = self._reached[name].values()
        steps = [step for each in reached for step in each.steps]
        conditions = [step.when for step in steps if step.when is not None]
        days = {day for when in conditions for day in (when.from_date, when.until) if day is not None}
        dates = {instant(day.isoformat(), self._zone) for day in days}
        fed_by = [each for other in feeding if self._leads_to(other, name) for each in self._versions[other]]
        return Succession(
            name=name,
            versions=tuple(versions),
            zone=self._zone,
            cuts=tuple(sorted(dates.union(*(validity.cuts for validity, _ in versions)))),
            attributes=tuple(sorted({when.attribute for when in conditions if when.attribute is not None})),
            roles=frozenset().union(*(each.roles for each in reached), self._payees_of(reached)),
            meters=tuple(sorted({meter for _, own in versions for step in own.steps for meter, _ in counted_by(step)})),
            fed=tuple(validity_of(each, self._zone) for each in fed_by),
            is_lifelong=any(step.is_lifelong for step in steps),
        )

    def _payees_of(self, agreements: Iterable[Agreement]) -> set[str]:
        return {self._payees[each.on] for each in agreements if each.on is not None}

    def _leads_to(self, name: str, other: str) -> bool:
        return any(each.line_of_versions == other for each in self._reached[name].values())

    def _in_order(self, first: Iterable[str]) -> list[str]:
        """What the first lead to, each behind all that feed it; pools make no circle."""
        order: list[str] = []

        def enter(name: str) -> None:
            if name not in order:
                for pool in sorted({pool for each in self._versions[name] for pool in each.pools}):
                    enter(self._name_of[pool])
                order.append(name)

        for name in first:
            enter(name)
        return order[::-1]
