"""The API's Prometheus metrics: its requests and live viewers, and each ecosystem's condition as the store has it.

The conditions are here and not in the gateways: they are the read path's to ask, and there may be many gateways. The
store is asked at a scrape, at most every 15 seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thalweg import __version__
from thalweg.errors import StoreError
from thalweg_api.figures import SILENT_WHEN_OFF, SILENT_WHEN_ON
from thalweg_api.stream import LiveHub
from thalweg_store.database import Database
from thalweg_store.monitoring import Condition, conditions
from thalweg_store.reading import Watermark, watermark

CONDITION_SECONDS: Final = 15.0
_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: a client may invent any other, and each would be a time series
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CONDITION_GAUGES: Final = {
    "gap_events": "Events that devices have numbered, that have not arrived and were not declared lost",
    "lost_events": "Events that devices declared lost and that have not arrived since",
    "parked_events": "Events that arrived without a clock and wait for it",
    "quarantined_batches": "Batches that wait for an operator, their key being compromised",
    "devices": "Active devices",
    "silent_devices": "Devices that have not been heard for longer than they should",
    "silent_devices_with_value": "Silent devices that measured something in the day before their last word",
}


class ApiMetrics:
    """The metrics of one application; `registry` is what is exposed at /metrics."""

    def __init__(self, database: Database, hub: LiveHub) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge("thalweg_api_info", "Who this is", ["version"], registry=self.registry).labels(__version__).set(1)
        self.request_seconds = Histogram(
            "thalweg_api_request_seconds",
            "Time until an answer begins",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(HubCollector(hub))
        self.registry.register(StoreCollector(database))


class HubCollector(Collector):
    """The live hub's own numbers."""

    def __init__(self, hub: LiveHub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        yield GaugeMetricFamily("thalweg_api_live_viewers", "Open live streams", self._hub.viewers)
        yield CounterMetricFamily("thalweg_api_frames", "Live frames computed for them", self._hub.frames_made)


class StoreCollector(Collector):
    """The store's watermark and each ecosystem's condition, asked at most every `CONDITION_SECONDS`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._asked_at = float("-inf")
        self._is_there = False
        self._watermark = Watermark(0, None, 0)
        self._conditions: Mapping[str, Condition] = {}

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering it asks the store nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of the last look; without an answer of the store only that."""
        self._look()
        yield GaugeMetricFamily("thalweg_store_up", "1 while the database answers", float(self._is_there))
        if not self._is_there:
            return
        yield CounterMetricFamily("thalweg_store_commits", "Transactions of all gateways", self._watermark.commit)
        if self._watermark.at is not None:
            age_seconds = (datetime.now(UTC) - self._watermark.at).total_seconds()
            yield GaugeMetricFamily("thalweg_store_watermark_age_seconds", "Time since the last commit", age_seconds)
        for name, explanation in _CONDITION_GAUGES.items():
            family = GaugeMetricFamily(f"thalweg_ecosystem_{name}", explanation, labels=["ecosystem"])
            for ecosystem, condition in self._conditions.items():
                family.add_metric([ecosystem], getattr(condition, name))
            yield family

    def _look(self) -> None:
        now = self._clock()
        if now - self._asked_at < CONDITION_SECONDS:
            return
        self._asked_at = now
        try:
            self._watermark = watermark(self._database)
            self._conditions = conditions(
                self._database, datetime.now(UTC), silent_when_on=SILENT_WHEN_ON, silent_when_off=SILENT_WHEN_OFF
            )
            self._is_there = True
        except StoreError:
            self._is_there = False


class RequestTimes:
    """Middleware that measures every request until its answer begins; live streams are thereby measured too."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; one that ends without an answer counts as 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_measured = False

        def measure(status: int) -> None:
            nonlocal is_measured
            is_measured = True
            route = getattr(scope.get("route"), "path", "files")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request_seconds.labels(method, route, str(status)).observe(time.perf_counter() - began)

        async def send_and_measure(message: Message) -> None:
            if message["type"] == "http.response.start":
                measure(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_and_measure)
        finally:
            if not is_measured:
                measure(500)
