"""`thalweg bench scale`: what booking and reading cost however much is stored, each size beside the smallest.

Judged is time of the processor: time on the clock is told too, and says as much about what else runs on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from thalweg_api.schemas import WindowName
from thalweg_app.bench.aged_store import AgedStore, Asked, aged_store
from thalweg_app.bench.cost import Cost
from thalweg_app.bench.figures import Figure, Yardstick

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
MAX_RATIO: Final = 1.5
_ASKED: Final = 30
_PARTICIPANT: Final = "host-07"
#: the past has a day from the smallest size on, a week from here on
_HAS_WEEK: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One size."""

    events: int
    size_bytes: int
    ingest: Cost
    #: one participant, 24 hours
    day: Asked
    #: the whole design, seven days; None while the past is shorter
    week: Asked | None

    @property
    def title(self) -> str:
        """The size in words."""
        return f"{self.events / 1e6:g} M events"


def run(sizes: Sequence[int], tell: Callable[[str], None]) -> list[Figure]:
    """The figures of stores of these sizes, one after the other; raises SetupError."""
    measured = []
    for size in sizes:
        with aged_store(size, tell) as store:
            measured.append(_measure(store))
    return [figure for each in measured for figure in _figures(each)] + _ratios(measured)


def _measure(store: AgedStore) -> Measured:
    return Measured(
        events=store.events,
        size_bytes=store.size_bytes,
        ingest=store.ingest,
        day=store.ask(_ASKED, {"window": WindowName.DAY.value, "view": _PARTICIPANT}),
        week=store.ask(_ASKED, {"window": WindowName.WEEK.value}) if store.events >= _HAS_WEEK else None,
    )


def _figures(measured: Measured) -> list[Figure]:
    found = [
        ("booking, processor", measured.ingest.processor, "s/M events"),
        ("booking, clock", measured.ingest.clock, "s/M events"),
        *_asked_figures("one participant's 24 h", measured.day),
    ]
    if measured.week:
        found += _asked_figures("the whole design's 7 days", measured.week)
    found.append(("stored", measured.size_bytes / 1e6, "MB"))
    return [
        Figure(name=f"{measured.title}: {name}", value=value, unit=unit, bar=None, better="lower")
        for name, value, unit in found
    ]


def _asked_figures(title: str, asked: Asked) -> list[tuple[str, float, str]]:
    return [
        (f"{title}, p50", asked.latencies.p50, "ms"),
        (f"{title}, p99", asked.latencies.p99, "ms"),
        (f"{title}, processor", asked.processor_ms, "ms"),
        (f"{title}, of which the database's", asked.database_ms, "ms"),
    ]


def _ratios(measured: Sequence[Measured]) -> list[Figure]:
    """Every size but the smallest, beside the smallest that can be asked the same."""
    found = []
    for each in measured[1:]:
        first = measured[0]
        found += [
            _ratio(each, first, "booking", each.ingest.processor, first.ingest.processor),
            _ratio(each, first, "one participant's 24 h", each.day.processor_ms, first.day.processor_ms),
            _ratio(each, first, "24 h in the database", each.day.database_ms, first.day.database_ms),
        ]
    weeks = [(each, each.week) for each in measured if each.week]
    for later, week in weeks[1:]:
        smallest, first_week = weeks[0]
        found.append(_ratio(later, smallest, "7 days in the database", week.database_ms, first_week.database_ms))
    return found


def _ratio(measured: Measured, first: Measured, title: str, value: float, beside: float) -> Figure:
    return Figure(
        name=f"{measured.title}: {title}, beside {first.title}",
        value=value / beside,
        unit="times",
        bar=MAX_RATIO,
        better="lower",
        yardstick=Yardstick(f"at {first.title}", beside),
    )
