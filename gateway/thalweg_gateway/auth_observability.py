"""What the process that lets devices in tells about itself: Prometheus metrics, and whether it lives and is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from thalweg import __version__
from thalweg.errors import StoreError
from thalweg_gateway.health import OK, STANDSTILL_SECONDS, Verdict

_PREFIX: Final = "thalweg_auth"
_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class Outcome(StrEnum):
    """What became of a device's wish to connect."""

    LET_IN = "let_in"
    NO_GATEWAY = "no_gateway"  #: nobody would keep its events
    BUSY = "busy"  #: the question waited for too long
    DATABASE_AWAY = "database_away"
    NO_DEVICE_ID = "no_device_id"
    CLIENT_ID = "client_id"  #: its MQTT client id is not its user name
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    PASSWORD = "password"  # noqa: S105 - what was wrong, and no password


class AuthMetrics:
    """Counts; `registry` is what is exposed at /metrics. `connections` are asked at every scrape, by name."""

    def __init__(self, ecosystem: str, connections: Mapping[str, Callable[[], bool]]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = {"ecosystem": ecosystem, "version": __version__}
        Gauge(f"{_PREFIX}_info", "Who this is", list(labels), registry=self.registry).labels(**labels).set(1)
        self._answers = self._counter("answers", "Devices let in or refused, by what became of them", "outcome")
        for outcome in Outcome:
            self._answers.labels(outcome.value)
        self._seconds = Histogram(
            f"{_PREFIX}_answer_seconds", "Time until an answer", buckets=_SECONDS, registry=self.registry
        )
        self._closed = self._counter("sessions_closed", "Sessions of revoked devices that were closed")
        self._failures = self._counter("revocation_failures", "Looks for revoked devices that failed")
        connected = Gauge(
            f"{_PREFIX}_connected", "1 while the NATS server is there", ["account"], registry=self.registry
        )
        for name, is_connected in connections.items():
            connected.labels(name).set_function(_as_number(is_connected))

    def answered(self, outcome: Outcome, seconds: float) -> None:
        """One device was let in or refused."""
        self._answers.labels(outcome.value).inc()
        self._seconds.observe(seconds)

    def closed_sessions(self, number: int) -> None:
        """Sessions of a revoked device were closed."""
        self._closed.inc(number)

    def revocation_failed(self) -> None:
        """The registry or the server could not be asked."""
        self._failures.inc()

    def _counter(self, name: str, explanation: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", explanation, labels, registry=self.registry)


def _as_number(ask: Callable[[], bool]) -> Callable[[], float]:
    return lambda: float(ask())


class AuthHealth:
    """Asked from another thread. `probe_database()` raises StoreError; `clock()` is monotonic, in seconds."""

    def __init__(
        self,
        connections: Mapping[str, Callable[[], bool]],
        probe_database: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._probe_database = probe_database
        self._clock = clock
        self._turned_at = clock()

    def turned(self) -> None:
        """The event loop turns."""
        self._turned_at = self._clock()

    def alive(self) -> Verdict:
        """Whether the event loop turns."""
        still_seconds = self._clock() - self._turned_at
        standstill = f"nothing has moved for {still_seconds:.0f} s"
        return Verdict({"loop": OK if still_seconds < STANDSTILL_SECONDS else standstill})

    def ready(self) -> Verdict:
        """Whether devices can be let in, and revoked ones be sent away."""
        servers = {
            name: OK if is_connected() else "not connected to the NATS server"
            for name, is_connected in self._connections.items()
        }
        return Verdict({**self.alive().checks, **servers, "database": self._database()})

    def _database(self) -> str:
        try:
            self._probe_database()
        except StoreError as error:
            return str(error)
        return OK
