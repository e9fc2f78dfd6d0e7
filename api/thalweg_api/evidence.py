"""What metrics need besides the flows of a window, as far as the store knows it. What it cannot know is left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Final

from thalweg.design.forest import Forest
from thalweg.errors import OutsideCoverage
from thalweg.metrics import (
    Cluster,
    DeviceEvents,
    EventCounts,
    Evidence,
    Figures,
    Freshness,
    bundles_of,
)
from thalweg.rating import Quantity
from thalweg_api.figures import seconds
from thalweg_api.metric_schemas import Zoom
from thalweg_api.problems import QuestionError
from thalweg_api.questions import Interval
from thalweg_api.study import Study, Subject
from thalweg_store.designs import DesignVersion
from thalweg_store.evidence_reading import DeviceArrivals, KindTally
from thalweg_store.facts import Fate

#: windows that measures over time go by, the present one included: as many as the most demanding (m22) needs
MOST_WINDOWS: Final = 30
#: events that come later than this belong to a backlog, not to the live flow
_BACKLOG: Final = timedelta(hours=1)


def evidence_of(study: Study, quantities: Iterable[Quantity]) -> Evidence:
    """What is cheap to know of the study's window: events, freshness, devices, clusters, bundles."""
    tallies = study.reading.tallies(*study.interval)
    return Evidence(
        events=_events(study, tallies),
        freshness=_freshness(study),
        clusters=_clusters(tallies),
        devices=_by_device(study, study.reading.arrivals(study.now)),
        bundles=bundles_of(study.subject.design, quantities),
    )


def arrivals_of(study: Study, interval: Interval) -> Mapping[str, DeviceEvents] | None:
    """What each device numbered within the window, and what of it arrived; None for a window without beginning."""
    ends = interval.ends
    if ends is None:
        return None
    return _by_device(study, study.reading.arrivals_within(*ends, study.now))


def before_of(study: Study) -> Figures | None:
    """The window of equal length before, with what can be compared; None where there is none, or it is not covered."""
    earlier = study.interval.before()
    if earlier is None:
        return None
    try:
        return study.figures(earlier, Evidence(clusters=_clusters(study.reading.tallies(*earlier))))
    except OutsideCoverage:
        return None


def analysed_before_of(study: Study, past: tuple[Figures, ...], other: DesignVersion | None) -> Figures | None:
    """The same with what analyses need besides: the windows before that one, `past`, and another design."""
    before, earlier = before_of(study), study.interval.before()
    if before is None or earlier is None:
        return None
    try:
        alternative = study.figures(earlier, subject=Subject.of(other.document, study.question)) if other else None
    except OutsideCoverage:
        alternative = None
    arrivals = arrivals_of(study, earlier)
    evidence = replace(before.evidence, arrivals=arrivals, history=past, alternative=alternative)
    return replace(before, evidence=evidence)


def history_of(study: Study, at_most: int) -> tuple[Figures, ...]:
    """The windows of equal length before, oldest first, from the first that everything is measured in."""
    found = [study.figures(interval) for interval in islice(_windows_before(study), at_most)]
    return tuple(reversed(found))


def alternative_of(study: Study, other: DesignVersion) -> Figures:
    """The window under another design; raises QuestionError where the two cannot be compared."""
    subject = Subject.of(other.document, study.question)
    currencies = study.subject.design.currency, subject.design.currency
    if currencies[0] != currencies[1]:
        raise QuestionError(
            f"Version {other.version} settles in {currencies[1]}, the design in force in {currencies[0]}: "
            "they have no amounts in common."
        )
    try:
        return study.figures(study.interval, subject=subject)
    except OutsideCoverage as error:
        raise QuestionError(
            f"Version {other.version} has the meter {error.meter!r}, which has not measured all of this window: ask "
            "for a window that it has, or run `thalweg simulate`, which measures it from the stored events."
        ) from error


def _windows_before(study: Study) -> Iterator[Interval]:
    first = study.reading.first_event()
    interval = study.interval.before()
    while interval is not None and first is not None and interval.end > first:
        if study.measured_since is not None and interval.start is not None and interval.start < study.measured_since:
            return
        yield interval
        interval = interval.before()


def _events(study: Study, tallies: Iterable[KindTally]) -> EventCounts:
    events: Counter[Fate] = Counter()
    quantity: Counter[Fate] = Counter()
    for tally in tallies:
        events[tally.fate] += tally.events
        quantity[tally.fate] += tally.quantity
    completeness = study.reading.completeness()
    return EventCounts(
        numbered=completeness.numbered,
        received=completeness.received,
        mapped=events[Fate.MAPPED],
        rejected=events[Fate.REJECTED],
        parked=events[Fate.PARKED],
        decodable=events.total() - events[Fate.UNDECODABLE],
        mapped_quantity=quantity[Fate.MAPPED],
        decodable_quantity=quantity.total() - quantity[Fate.UNDECODABLE],
    )


def _freshness(study: Study) -> Freshness | None:
    delays = study.reading.freshness_within(*study.interval, at_most=_BACKLOG)
    if delays is None:
        return None
    return Freshness(p50_seconds=seconds(delays.p50), p95_seconds=seconds(delays.p95), p99_seconds=seconds(delays.p99))


def _clusters(tallies: Iterable[KindTally]) -> tuple[Cluster, ...]:
    """Unmapped events by kind: the store keeps no other of their attributes."""
    return tuple(
        Cluster(
            shape=tally.kind,
            events=tally.events,
            quarters=tally.quarters,
            first_seen=tally.first,
            last_seen=tally.last,
        )
        for tally in tallies
        if tally.fate is Fate.UNMAPPED
    )


def _by_device(study: Study, arrivals: Iterable[DeviceArrivals]) -> dict[str, DeviceEvents]:
    cut = Forest(study.subject.design.nodes).cut(study.question.cut)

    def nodes(device: DeviceArrivals) -> frozenset[str]:
        if study.question.zoom is Zoom.ROLE:
            return frozenset(cut.get(role, role) for role in device.roles)
        return frozenset({device.operator, *device.roles.values()})

    return {
        each.device: DeviceEvents(nodes=nodes(each), numbered=each.numbered, received=each.received)
        for each in arrivals
    }  # fmt: skip
