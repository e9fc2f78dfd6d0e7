"""`thalweg bench ingest`: from signed message to committed and receipted, on the product's own processes.

A broker, a database and a gateway run as they do anywhere; the load is a process of its own. Each case is run twice, as
fast as it goes and at half of that, with its yardsticks between.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg.wire.keys import derive
from thalweg.wire.topics import Channel
from thalweg_app.bench.figures import Figure, Yardstick
from thalweg_app.bench.load import Task
from thalweg_app.bench.memory import MAX_GATEWAY_RSS_BYTES, peak_rss_bytes
from thalweg_app.bench.stored import Stored, Sums, kept
from thalweg_app.bench.workload import Device, recorded_events, sealed_batches
from thalweg_app.bench.yardsticks import copied_per_second, discarded_per_second, run_load
from thalweg_app.demo_world import ECOSYSTEM, register
from thalweg_app.local_system import DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE, LocalSystem, free_port

SESSIONS: Final = 200
MAX_P99_MS: Final = 250
MAX_BYTES_STORED: Final = 16
_MIN_OF_COPY_PERCENT: Final = 50
_PATIENCE: Final = 6


@dataclass(frozen=True, slots=True)
class Case:
    """One size of message."""

    title: str
    events: int
    #: events a second
    bar: int
    channel: Channel = Channel.EVENTS


CASES: Final = {
    "full": Case("full batches, 450 events", 450, 300_000),
    "five": Case("5 events a message", 5, 120_000),
    "json": Case("one event a message, JSON", 1, 40_000, Channel.EVENTS_JSON),
}


def run(cases: list[str], seconds: int, tell: Callable[[str], None]) -> list[Figure]:
    """The figures of `cases`; each load has as many events as its bar would take in `seconds`. Raises SetupError."""
    for variable in (DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE):
        if os.environ.get(variable):
            raise SetupError(f"a benchmark writes into servers of its own: unset {variable}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="thalweg-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # run by root, the database has an account of its own
        with _running(folder) as (system, devices):
            stored = Stored(_plain(system.database_url))
            for number, case in enumerate(cases):
                bench = _Bench(system, devices, stored, CASES[case], seconds, tell)
                figures += bench.figures(boot=1000 * (number + 1))
            figures.append(_memory(system))
            stored.close()
    return figures


class _Bench:
    """One case on a running system."""

    def __init__(
        self,
        system: LocalSystem,
        devices: list[Device],
        stored: Stored,
        case: Case,
        seconds: int,
        tell: Callable[[str], None],
    ) -> None:
        self._system = system
        self._devices = devices
        self._stored = stored
        self._case = case
        self._seconds = seconds
        self._tell = tell

    def figures(self, boot: int) -> list[Figure]:
        """Everything about the case."""
        task = self._task(boot)
        before = self._stored.size_bytes()
        self._tell(f"{self._case.title}: {task.batches * len(self._devices)} messages at full speed")
        fast = self._load(task)
        grown = self._stored.size_bytes() - before
        rate = fast["receipted"] * self._case.events / fast["seconds"]
        self._tell(f"{self._case.title}: {rate:,.0f} events/s; yardsticks")
        copied, discarded = self._yardsticks(task)
        self._tell(f"{self._case.title}: at half of that speed")
        pace = rate / self._case.events / 2
        batches = max(1, int(pace * self._seconds / len(self._devices)))
        slow = self._load(replace(task, boot=boot + 1, pace=pace, batches=batches))
        found = [
            Figure(
                name=f"{self._case.title}: committed and receipted",
                value=rate,
                unit="events/s",
                bar=self._case.bar,
                better="higher",
                yardstick=Yardstick("bare subscriber that discards, events/s", discarded * self._case.events),
            ),
            Figure(
                name=f"{self._case.title}: of the raw COPY of the same bytes",
                value=100 * rate / copied,
                unit="%",
                bar=_MIN_OF_COPY_PERCENT if self._case.events == CASES["full"].events else None,
                better="higher",
                yardstick=Yardstick("raw COPY, events/s", copied),
            ),
            self._latency("p50", slow["p50_ms"], None),
            self._latency("p99", slow["p99_ms"], MAX_P99_MS),
        ]
        if self._case.events == CASES["full"].events:
            events = sum(map(len, fast["acknowledged"])) * self._case.events
            found.append(_size(self._case, grown / events, self._payload_bytes(task) / self._case.events))
        return [*found, *self._losses(fast, slow)]

    def _task(self, boot: int) -> Task:
        host, port = self._system.broker
        return Task(
            host=host,
            port=port,
            ecosystem=ECOSYSTEM,
            boot=boot,
            channel=self._case.channel,
            events=self._case.events,
            batches=max(1, self._case.bar * self._seconds // self._case.events // len(self._devices)),
            pace=None,
            wants_receipts=True,
            end_ms=int(datetime.now(UTC).timestamp() * 1000),
            limit_seconds=_PATIENCE * self._seconds + 10,
        )

    def _load(self, task: Task) -> dict[str, Any]:
        before = self._stored.sums()
        result: dict[str, Any] = run_load(task, self._devices)
        if not result["receipted"]:
            gateway = self._system.folder / "gateway.log"
            raise SetupError(f"no receipt came within {task.limit_seconds} s; see {gateway}")
        names = [device.name for device in self._devices]
        lost = self._stored.lost(task.boot, names, result["acknowledged"], task.events)
        fates = kept(lost, self._expected(task, result["acknowledged"], before), self._stored.sums())
        return result | {"lost": fates.lost, "doubled": fates.doubled}

    def _expected(self, task: Task, acknowledged: Sequence[Sequence[int]], before: Sums) -> Sums:
        """What the rollups must come to once every acknowledged event is in them, once."""
        sessions, wh = before
        for device, numbers in zip(self._devices, map(set, acknowledged), strict=True):
            made = recorded_events(device, task.boot, task.events, task.batches, task.end_ms)
            for number, events in enumerate(made):
                if number in numbers:
                    sessions += len(events)
                    wh += sum(event.quantity for event in events)
        return Sums(sessions, wh)

    def _yardsticks(self, task: Task) -> tuple[float, float]:
        device = self._devices[0]
        count = max(1, min(task.batches * len(self._devices), 2 * self._case.bar // self._case.events))
        batches = sealed_batches(device, task.boot, self._case.events, count, task.end_ms, task.channel)
        copied = copied_per_second(_plain(self._system.database_url), batches, self._case.events)
        folder, ports = self._system.folder / f"yardstick-{task.boot}", (free_port(), free_port())
        open_task = replace(task, port=ports[0], wants_receipts=False)
        return copied, discarded_per_second(folder, ports, open_task, self._devices)

    def _payload_bytes(self, task: Task) -> int:
        [batch] = sealed_batches(self._devices[0], task.boot, self._case.events, 1, task.end_ms, task.channel)
        return len(batch.payload)

    def _latency(self, name: str, value_ms: float, bar: int | None) -> Figure:
        title = f"{self._case.title}: {name} publish → receipt at half load"
        return Figure(name=title, value=value_ms, unit="ms", bar=bar, better="lower")

    def _losses(self, *runs: dict[str, Any]) -> list[Figure]:
        """What was acknowledged and is not stored, and what is counted twice."""
        acknowledged = sum(len(each) for run in runs for each in run["acknowledged"]) * self._case.events
        beside = Yardstick("events acknowledged by the broker", acknowledged)
        return [
            Figure(
                name=f"{self._case.title}: {fate}",
                value=sum(run[fate] for run in runs),
                unit="events",
                bar=0,
                better="lower",
                yardstick=beside,
            )
            for fate in ("lost", "doubled")
        ]


@contextmanager
def _running(folder: Path) -> Iterator[tuple[LocalSystem, list[Device]]]:
    """Broker, database and gateway with registered devices."""
    names = [f"bench-{number:03}" for number in range(SESSIONS)]
    with LocalSystem(folder, ECOSYSTEM, free_port()) as system:
        database = system.start_database()
        register(database, names, datetime.now(UTC))
        database.close()
        passwords = system.start_broker(names)
        system.start_gateway()
        root_key = system.secrets.root_key
        devices = [Device(name, passwords[name], derive(root_key, ECOSYSTEM, name, 1)) for name in names]
        yield system, devices


def _size(case: Case, value: float, payload: float) -> Figure:
    return Figure(
        name=f"{case.title}: stored, with ranges, rollups and indexes",
        value=value,
        unit="bytes/event",
        bar=MAX_BYTES_STORED,
        better="lower",
        yardstick=Yardstick("bytes of the signed batch, an event", payload),
    )


def _memory(system: LocalSystem) -> Figure:
    """The largest resident memory that the gateway ever had."""
    process_id = system.supervisor.report()["gateway"].pid
    return Figure(
        name="resident memory of the gateway, at most",
        value=peak_rss_bytes(process_id) / 1e6 if process_id else float("nan"),
        unit="MB",
        bar=MAX_GATEWAY_RSS_BYTES / 1e6,
        better="lower",
    )


def _plain(database_url: str) -> str:
    """A SQLAlchemy URL as the driver has it."""
    return database_url.replace("postgresql+psycopg://", "postgresql://")
