"""`thalweg bench read`: how long people wait for what they ask, on a store of ten million events.

Before each question a batch is booked, so that none has the answer of the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from thalweg_api.schemas import WindowName
from thalweg_app.bench.aged_store import AgedStore, aged_store
from thalweg_app.bench.figures import Figure, Yardstick
from thalweg_app.bench.read_history import month_by_day, what_if_with_a_new_meter
from thalweg_app.bench.requests import Latencies

MAX_DAY_MS: Final = 50
MAX_MONTH_MS: Final = 150
#: for so many events; others in proportion
MAX_SCAN_SECONDS: Final = 20
SCANNED_EVENTS: Final = 10_000_000
_ASKED: Final = 50
_ASKED_MONTH: Final = 20
_PARTICIPANT: Final = "host-07"


def run(events: int, tell: Callable[[str], None]) -> list[Figure]:
    """The figures of a store of about so many events; raises SetupError."""
    with aged_store(events, tell) as store:
        tell("asking")
        day, month = WindowName.DAY, WindowName.MONTH
        return [
            *_figures(
                "one participant, 24 h, the overview's metrics",
                store.requests.overview(_ASKED, {"window": day.value, "view": _PARTICIPANT}, store.book_next),
                store.queries(_ASKED, day),
                MAX_DAY_MS,
            ),
            *_figures(
                "whole design, 100 participants, 30 days in one sum",
                store.requests.overview(_ASKED_MONTH, {"window": month.value}, store.book_next),
                store.queries(_ASKED_MONTH, month),
                MAX_MONTH_MS,
            ),
            *_figures(
                "whole design, 100 participants, 30 days by day",
                month_by_day(store.database, _ASKED_MONTH, store.book_next),
                store.queries(_ASKED_MONTH, month),
                MAX_MONTH_MS,
            ),
            _scanned(store, tell),
        ]


def _scanned(store: AgedStore, tell: Callable[[str], None]) -> Figure:
    tell("scanning")
    return Figure(
        name=f"what-if with a new meter over {store.events / 1e6:g} M events",
        value=what_if_with_a_new_meter(store.database, store.past),
        unit="s",
        bar=MAX_SCAN_SECONDS * store.events / SCANNED_EVENTS,
        better="lower",
        yardstick=Yardstick("booking as many, s of the processor", store.ingest.processor * store.events / 1e6),
    )


def _figures(title: str, answer: Latencies, queries: Latencies, bar: int) -> list[Figure]:
    return [
        Figure(name=f"{title}: p50", value=answer.p50, unit="ms", bar=None, better="lower"),
        Figure(
            name=f"{title}: p99",
            value=answer.p99,
            unit="ms",
            bar=bar,
            better="lower",
            yardstick=Yardstick("the store's queries alone, p99", queries.p99),
        ),
    ]
