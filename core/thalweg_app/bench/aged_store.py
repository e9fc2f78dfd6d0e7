"""One store of a given age, and what its work costs: booking what comes next, and answering what people ask."""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, cast

import psycopg

from thalweg_api.figures import facts_from
from thalweg_api.schemas import WindowName
from thalweg_app.bench.cost import Cost, CostMeter
from thalweg_app.bench.history import BATCH_EVENTS, BATCH_MS, DEVICES, ECOSYSTEM, Past
from thalweg_app.bench.requests import WARM_UP, Latencies, Requests
from thalweg_app.bench.stored import Stored
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_store.database import Database
from thalweg_store.reading import Reading, reading

_ROUNDS: Final = 5
_ROUND_BATCHES: Final = 2 * DEVICES
#: events that are booked beyond the past, to see what booking costs on top of it
EXTRA_EVENTS: Final = _ROUNDS * _ROUND_BATCHES * BATCH_EVENTS
#: batches of the past that are left for `AgedStore.book_next`
_LEFT_BATCHES: Final = DEVICES
_TELL_EVENTS: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What one answer of the API takes."""

    latencies: Latencies
    #: ms of the processor, and how many of them the database's
    processor_ms: float
    database_ms: float


@dataclass(frozen=True, slots=True)
class AgedStore:
    """A store with a past."""

    #: events in it
    events: int
    size_bytes: int
    #: medians of several rounds, in seconds a million events
    ingest: Cost
    requests: Requests
    database: Database
    meter: CostMeter
    #: books the next batch, of which a hundred are left
    book_next: Callable[[], None]

    @property
    def past(self) -> timedelta:
        """How far back its events reach, at least."""
        batches = self.events // BATCH_EVENTS // DEVICES + _ROUNDS * _ROUND_BATCHES // DEVICES + 3
        return timedelta(milliseconds=batches * BATCH_MS)

    def ask(self, count: int, query: Mapping[str, str]) -> Asked:
        """Ask the API for the overview, `count` times, each behind a batch whose booking costs its part too."""
        before = self.meter.read()
        latencies = self.requests.overview(count, query, self.book_next)
        spent = self.meter.read().since(before)
        answers = WARM_UP + count
        return Asked(latencies, 1000 * spent.processor / answers, 1000 * spent.database / answers)

    def queries(self, count: int, window: WindowName) -> Latencies:
        """What of an overview is the store's part: every query, on one snapshot."""
        return Latencies.of([_queries_ms(self.database, window) for _ in range(WARM_UP + count)][WARM_UP:])


@contextmanager
def aged_store(events: int, tell: Callable[[str], None]) -> Iterator[AgedStore]:
    """A store that has booked about so many `events`, the last of them now; it is gone at the end of the block."""
    batches = events // BATCH_EVENTS
    with tempfile.TemporaryDirectory(prefix="thalweg-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # run by root, the database has an account of its own
        with EmbeddedPostgres(folder / "postgres") as server:
            database = Database(server.url)
            database.upgrade()
            every = batches + _ROUNDS * _ROUND_BATCHES + _LEFT_BATCHES
            past = Past(database, secrets.token_bytes(32), every, datetime.now(UTC))
            meter = CostMeter(server.dsn)
            _book(past, batches, meter, tell)
            ingest = _ingest(past, meter)
            _settle(server.dsn)
            stored = Stored(server.dsn)
            try:
                requests, book_next = Requests(database), partial(past.book, 1)
                yield AgedStore(events, stored.size_bytes(), ingest, requests, database, meter, book_next)
            finally:
                stored.close()
                meter.close()
                database.close()


def _book(past: Past, batches: int, meter: CostMeter, tell: Callable[[str], None]) -> None:
    began, portion = meter.read(), _TELL_EVENTS // BATCH_EVENTS
    for first in range(0, batches, portion):
        count = min(portion, batches - first)
        past.book(count)
        done, spent = (first + count) * BATCH_EVENTS, meter.read().since(began)
        tell(f"{done:,} events booked in {spent.clock:.0f} s, {spent.processor:.0f} s of the processor")


def _ingest(past: Past, meter: CostMeter) -> Cost:
    """What the next batches cost, a million events."""
    rounds = []
    for _ in range(_ROUNDS):
        before = meter.read()
        past.book(_ROUND_BATCHES)
        rounds.append(meter.read().since(before))
    millions = _ROUND_BATCHES * BATCH_EVENTS / 1e6
    return Cost(
        clock=statistics.median(each.clock for each in rounds) / millions,
        processor=statistics.median(each.processor for each in rounds) / millions,
        database=statistics.median(each.database for each in rounds) / millions,
    )


def _settle(dsn: str) -> None:
    """What the server does by itself within minutes of a load, which a bench does not wait for."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


class _TimedReading:
    """A snapshot that notes how long its answers take."""

    def __init__(self, facts: Reading) -> None:
        self._facts = facts
        self.spent_ms = 0.0

    def __getattr__(self, name: str) -> object:
        began = time.perf_counter()
        method = getattr(self._facts, name)
        self.spent_ms += (time.perf_counter() - began) * 1000
        if not callable(method):
            return method

        def timed(*arguments: object, **named: object) -> object:
            began = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self.spent_ms += (time.perf_counter() - began) * 1000

        return timed


def _queries_ms(database: Database, window: WindowName) -> float:
    with reading(database, ECOSYSTEM) as facts:
        timed = _TimedReading(facts)
        facts_from(cast("Reading", timed), window, datetime.now(UTC))
        return timed.spent_ms
