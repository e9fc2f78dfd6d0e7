"""`thalweg bench scale`: what booking and reading cost however much is stored, each size beside the smallest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from thalweg_api.schemas import WindowName
from thalweg_app.bench.aged_store import AgedStore, aged_store
from thalweg_app.bench.cost import Cost
from thalweg_app.bench.figures import Figure, Yardstick
from thalweg_app.bench.requests import Latencies

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
    #: one participant, 24 hours, through the API
    day: Latencies
    #: what of it are the store's queries
    day_queries: Latencies
    #: the queries of seven days; None while the past is shorter
    week_queries: Latencies | None

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
    query = {"window": WindowName.DAY.value, "view": _PARTICIPANT}
    return Measured(
        events=store.events,
        size_bytes=store.size_bytes,
        ingest=store.ingest,
        day=store.requests.overview(_ASKED, query),
        day_queries=store.queries(_ASKED, WindowName.DAY),
        week_queries=store.queries(_ASKED, WindowName.WEEK) if store.events >= _HAS_WEEK else None,
    )


def _figures(measured: Measured) -> list[Figure]:
    found = [
        ("booking, processor", measured.ingest.processor, "s/M events"),
        ("booking, clock", measured.ingest.clock, "s/M events"),
        ("one participant's 24 h, p50", measured.day.p50, "ms"),
        ("one participant's 24 h, p99", measured.day.p99, "ms"),
        ("of which the store's queries, p50", measured.day_queries.p50, "ms"),
        ("stored", measured.size_bytes / 1e6, "MB"),
    ]
    if measured.week_queries:
        found.insert(-1, ("the store's queries of 7 days, p50", measured.week_queries.p50, "ms"))
    return [
        Figure(name=f"{measured.title}: {name}", value=value, unit=unit, bar=None, better="lower")
        for name, value, unit in found
    ]


def _ratios(measured: Sequence[Measured]) -> list[Figure]:
    """Every size but the smallest, beside the smallest that can be asked the same."""
    found = []
    for each in measured[1:]:
        first = measured[0]
        found += [
            _ratio(each, first, "booking", each.ingest.processor, first.ingest.processor),
            _ratio(each, first, "one participant's 24 h", each.day.p50, first.day.p50),
            _ratio(each, first, "the store's queries of 24 h", each.day_queries.p50, first.day_queries.p50),
        ]
    weeks = [each for each in measured if each.week_queries]
    for each in weeks[1:]:
        assert each.week_queries is not None
        assert weeks[0].week_queries is not None
        title, beside = "the store's queries of 7 days", weeks[0].week_queries.p50
        found.append(_ratio(each, weeks[0], title, each.week_queries.p50, beside))
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
