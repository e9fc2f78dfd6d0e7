"""The gateway's Prometheus metrics; each gateway object has a registry of its own, so tests read it without HTTP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from thalweg import __version__
from thalweg.errors import StoreUnavailable
from thalweg_gateway.observability import Commit
from thalweg_gateway.source import Message, Source
from thalweg_store.directory import Directory

_PREFIX: Final = "thalweg_gateway"
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_MESSAGES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class GatewayMetrics:
    """An observer that counts; `registry` is what is exposed at /metrics."""

    def __init__(self, ecosystem: str, gateway: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._name(ecosystem, gateway)
        self._taken = self._counter("messages_taken", "Messages taken from the broker")
        self._taken_bytes = self._counter("taken_bytes", "Payload bytes of the messages taken")
        self._committed = self._counter("messages_committed", "Messages whose effects are durable")
        self._batches = self._counter("batches", "Authentic batches committed, by what became of them", "outcome")
        self._events = self._counter(
            "events", "Events in authentic batches committed, by what became of them", "outcome"
        )
        self._rejections = self._counter("rejections", "Messages and events that were not accepted", "reason")
        self._commit_seconds = self._histogram("commit_seconds", "Duration of a transaction", _SECONDS)
        self._commit_messages = self._histogram("commit_messages", "Messages in a transaction", _MESSAGES)
        self._commit_age = self._histogram("commit_age_seconds", "Age of a transaction's oldest message", _SECONDS)
        self._committed_at = self._gauge("last_commit_timestamp_seconds", "Unix time of the last commit; 0 before it")
        self._paused_seconds = self._counter(
            "paused_seconds", "Time in which nothing was taken, the database being away"
        )
        self._database_failures = self._counter("database_failures", "Attempts that found the database away")
        self._database_away = self._gauge("database_unavailable", "1 while the database is away")
        self._receipts = self._counter("receipts_sent", "Commit receipts sent to devices")
        self._owed = self._gauge("receipts_owed", "Devices whose receipt waits for its turn")
        self._directory_version = self._gauge("directory_version", "Version of the registry that is worked from")
        self._devices = self._gauge("devices", "Devices in the registry that is worked from")
        self._paused_at: float | None = None

    def watch(self, source: Source) -> None:
        """Ask the source at every scrape; what waits at the broker is known to some sources only."""
        self._gauge("source_connected", "1 while the broker delivers").set_function(lambda: float(source.is_ready))
        queue = self._gauge("source_queue_messages", "Messages that were read and wait to be taken")
        queue.set_function(lambda: source.lag().here)
        if source.lag().at_broker is not None:
            backlog = self._gauge("source_backlog_messages", "Messages that wait at the broker")
            backlog.set_function(lambda: source.lag().at_broker or 0)

    def took(self, messages: Sequence[Message]) -> None:
        """Count what was taken."""
        if messages:
            self._taken.inc(len(messages))
            self._taken_bytes.inc(sum(len(message.payload) for message in messages))

    def committed(self, commit: Commit) -> None:
        """Count what is durable."""
        self._committed.inc(commit.messages)
        for outcome, count in commit.outcomes.items():
            self._batches.labels(outcome).inc(count.batches)
            self._events.labels(outcome).inc(count.events)
        for reason, number in commit.rejections.items():
            self._rejections.labels(reason).inc(number)
        if commit.seconds is not None:
            self._commit_seconds.observe(commit.seconds)
            self._commit_messages.observe(commit.messages)
        self._commit_age.observe(commit.oldest_seconds)
        self._committed_at.set_to_current_time()

    def database_away(self, error: StoreUnavailable) -> None:  # noqa: ARG002 - of the protocol
        """Count a failed attempt and the time until it works."""
        self._count_pause()
        self._database_failures.inc()
        self._database_away.set(1)

    def database_answered(self, directory: Directory | None) -> None:
        """End a pause, if there was one, and note the picture of the registry."""
        if self._paused_at is not None:
            self._count_pause()
            self._paused_at = None
            self._database_away.set(0)
        if directory is not None:
            self._directory_version.set(directory.version)
            self._devices.set(len(directory.devices))

    def receipts(self, sent: int, owed: int) -> None:
        """Count receipts."""
        if sent:
            self._receipts.inc(sent)
        self._owed.set(owed)

    def _count_pause(self) -> None:
        now = time.monotonic()
        if self._paused_at is not None:
            self._paused_seconds.inc(now - self._paused_at)
        self._paused_at = now

    def _name(self, ecosystem: str, gateway: str) -> None:
        labels = {"ecosystem": ecosystem, "gateway": gateway, "version": __version__}
        Gauge(f"{_PREFIX}_info", "Who this is", list(labels), registry=self.registry).labels(**labels).set(1)

    def _counter(self, name: str, explanation: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", explanation, labels, registry=self.registry)

    def _gauge(self, name: str, explanation: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", explanation, registry=self.registry)

    def _histogram(self, name: str, explanation: str, bounds: Sequence[float]) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", explanation, buckets=bounds, registry=self.registry)
