"""Questions about a long past: a month by day, and what a meter that nobody fed would have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from thalweg.counterfactual import Side, compare
from thalweg.design import load
from thalweg.design.periods import Period
from thalweg.design.quarters import beginning_of, period_start, quarter_of
from thalweg.examples import text
from thalweg.metrics import Figures
from thalweg.plan import compile_design
from thalweg_api.schemas import WindowName
from thalweg_api.windows import Span, Windows
from thalweg_app.bench.history import ECOSYSTEM
from thalweg_app.bench.requests import Latencies
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.reading import reading
from thalweg_store.scanning import read_past

_DAYS: Final = 30
_QUARTER: Final = timedelta(minutes=15)
#: counts sessions by what they charged: a meter that the store's design does not have
_NEW: Final = text(ECOSYSTEM).replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 500\n    group_by")


def month_by_day(database: Database, count: int, meanwhile: Callable[[], None]) -> Latencies:
    """What every participant of every day of the last thirty captured, asked `count` times, likewise."""
    spent_ms = []
    for _ in range(1 + count):
        meanwhile()
        began = time.perf_counter()
        days = _by_day(database, quarter_hour(datetime.now(UTC)) + _QUARTER)
        captured = [{node: account.captured for node, account in day.accounts.items()} for day in days]
        assert all(sum(each.values()) == day.created for each, day in zip(captured, days, strict=True))
        spent_ms.append((time.perf_counter() - began) * 1000)
    return Latencies.of(spent_ms[1:])


def _by_day(database: Database, end: datetime) -> list[Figures]:
    """Each day as the overview asks for its window: those that are past have not changed since they were asked for."""
    with reading(database, ECOSYSTEM) as facts:
        windows = Windows(facts, facts.ecosystem().design_document)
        return [windows.rated(day).figures for day in _days(end, windows.plan.design.zone)]


def _days(end: datetime, zone: str) -> list[Span]:
    """The calendar's days of the last thirty, the first and the last of them in part."""
    first, stop = quarter_of(end - timedelta(days=_DAYS)), quarter_of(end)
    starts = sorted({max(first, period_start(quarter, Period.DAY, zone)) for quarter in range(first, stop)})
    ends = [*starts[1:], stop]
    return [
        Span(WindowName.DAY, beginning_of(start), beginning_of(until))
        for start, until in zip(starts, ends, strict=True)
    ]


def what_if_with_a_new_meter(database: Database, past: timedelta) -> float:
    """Seconds for the comparison with a design whose meter has to be found in the stored batches."""
    end = quarter_hour(datetime.now(UTC)) + _QUARTER
    window = end - past, end
    began = time.perf_counter()
    plans = [compile_design(load(document)) for document in (text(ECOSYSTEM), _NEW)]
    found = read_past(database, ECOSYSTEM, plans, *window)
    assert found.scanned == ("energy",)
    one, other = (Side(plan, *measured) for plan, measured in zip(plans, found.measured, strict=True))
    compare(one, other, found.assignments, window, {})
    return time.perf_counter() - began
