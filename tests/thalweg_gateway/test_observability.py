from __future__ import annotations

import io
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from thalweg.errors import SetupError, StoreUnavailable
from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg_gateway.health import OK, STALL_SECONDS, STANDSTILL_SECONDS, Health
from thalweg_gateway.log_context import about
from thalweg_gateway.metrics import GatewayMetrics
from thalweg_gateway.nats_reader import pending_behind
from thalweg_gateway.observability import BatchCount, Commit, Several
from thalweg_gateway.source import Message
from thalweg_gateway.status_server import StatusServer, parse_address
from thalweg_store import logs
from thalweg_store.assignments import Assignments
from thalweg_store.closing import Closures
from thalweg_store.directory import Device, Directory
from thalweg_store.logs import JsonLines, LogStyle, TextLines, concerning
from worlds.gateway import DEVICE, ECOSYSTEM, ROOT_KEY, MemorySource, charge

TOPIC = f"tw1/{ECOSYSTEM}/{DEVICE}/e"
AWAY = StoreUnavailable("the database is away: gone fishing")


DIRECTORY = Directory(
    version=9,
    devices={DEVICE: Device(1, DEVICE, 1, True, Assignments(()))},
    design_version=0,
    design_document=None,
    closures=Closures(),
    store_epoch="e",
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def message(payload: bytes = b"12345") -> Message:
    return Message(TOPIC, payload, datetime.now(UTC), 0)


def commit(**more: Any) -> Commit:
    return Commit(**{"messages": 3, "seconds": 0.03, "oldest_seconds": 0.4, **more})


@pytest.fixture
def metrics() -> GatewayMetrics:
    return GatewayMetrics(ECOSYSTEM, "gateway-1")


def read(metrics: GatewayMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"thalweg_gateway_{name}", labels)


def test_messages_are_counted_when_taken_and_when_durable(metrics: GatewayMetrics) -> None:
    metrics.took([message(), message(), message()])
    metrics.took([])
    assert (read(metrics, "messages_taken_total"), read(metrics, "taken_bytes_total")) == (3, 15)
    assert read(metrics, "messages_committed_total") == 0
    metrics.committed(commit())
    assert read(metrics, "messages_committed_total") == 3


def test_batches_and_events_are_counted_by_what_became_of_them(metrics: GatewayMetrics) -> None:
    metrics.committed(commit(outcomes={"booked": BatchCount(2, 90), "duplicate": BatchCount(1, 45)}))
    metrics.committed(commit(outcomes={"booked": BatchCount(1, 10)}, rejections={"malformed": 2}))
    assert read(metrics, "batches_total", outcome="booked") == 3
    assert read(metrics, "events_total", outcome="booked") == 100
    assert read(metrics, "events_total", outcome="duplicate") == 45
    assert read(metrics, "rejections_total", reason="malformed") == 2


def test_transactions_are_measured_by_duration_size_and_age(metrics: GatewayMetrics) -> None:
    metrics.committed(commit(messages=7, seconds=0.03))
    metrics.committed(commit(messages=500, seconds=3))
    assert read(metrics, "commit_seconds_count") == 2
    assert read(metrics, "commit_seconds_bucket", le="0.05") == 1
    assert read(metrics, "commit_messages_sum") == 507
    assert read(metrics, "commit_age_seconds_sum") == pytest.approx(0.8)


def test_the_time_without_a_database_is_summed_while_it_lasts(metrics: GatewayMetrics) -> None:
    for _ in range(2):
        metrics.database_away(AWAY)
    assert (read(metrics, "database_unavailable"), read(metrics, "database_failures_total")) == (1, 2)
    during = read(metrics, "paused_seconds_total")
    assert during is not None
    assert during > 0
    metrics.database_answered(None)
    after = read(metrics, "paused_seconds_total")
    metrics.database_answered(None)
    assert read(metrics, "database_unavailable") == 0
    assert read(metrics, "paused_seconds_total") == after, "a pause that has ended grows no more"


def test_the_source_is_asked_at_each_scrape(metrics: GatewayMetrics) -> None:
    source = MemorySource()
    metrics.watch(source)
    source.put(TOPIC, b"x")
    assert (read(metrics, "source_connected"), read(metrics, "source_queue_messages")) == (1, 1)
    source.is_ready = False
    assert read(metrics, "source_connected") == 0
    assert read(metrics, "source_backlog_messages") is None, "a source that does not know must not say 0"


@pytest.mark.parametrize(
    ("reply", "pending"),
    [
        (b"$JS.ACK.$MQTT_msgs.gateway.1.10.7.1790000000000000000.42", 42),
        (b"$JS.ACK.hub.ACCHASH.$MQTT_msgs.gateway.1.10.7.1790000000000000000.42.x8Ty", 42),
        (b"", 0),
    ],
)
def test_what_waits_at_a_nats_server_is_read_from_the_last_delivery(reply: bytes, pending: int) -> None:
    assert pending_behind(reply) == pending


def test_several_observers_hear_the_same(metrics: GatewayMetrics) -> None:
    other = GatewayMetrics(ECOSYSTEM, "gateway-2")
    observer = Several(metrics, other)
    observer.took([message()])
    observer.committed(commit())
    observer.database_away(AWAY)
    observer.database_answered(DIRECTORY)
    observer.receipts(4, 2)
    for each in (metrics, other):
        assert read(each, "messages_taken_total") == 1
        assert read(each, "messages_committed_total") == 3
        assert read(each, "database_failures_total") == 1
        assert (read(each, "receipts_sent_total"), read(each, "receipts_owed")) == (4, 2)
        assert (read(each, "directory_version"), read(each, "devices")) == (9, 1)


class Patient:
    """A gateway's health, with everything around it in the test's hand."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.is_connected = True
        self.database: StoreUnavailable | None = None
        self.probes = 0
        self.health = Health(lambda: self.is_connected, self._probe, self.clock)

    def _probe(self) -> None:
        self.probes += 1
        if self.database:
            raise self.database

    def wrong(self) -> set[str]:
        return {name for name, outcome in self.health.ready().checks.items() if outcome != OK}


@pytest.fixture
def patient() -> Patient:
    found = Patient()
    found.health.database_answered(DIRECTORY)
    return found


def test_a_gateway_is_ready_when_it_is_connected_idle_and_has_its_database(patient: Patient) -> None:
    assert patient.health.ready().is_good


def test_it_is_not_ready_before_it_has_read_the_registry() -> None:
    assert Patient().wrong() == {"directory"}


def test_it_is_not_ready_without_its_broker(patient: Patient) -> None:
    patient.is_connected = False
    assert patient.wrong() == {"source"}


def test_it_is_not_ready_without_its_database_even_when_idle(patient: Patient) -> None:
    patient.database = AWAY
    assert patient.health.ready().checks["database"] == str(AWAY)
    patient.database = None
    patient.clock.now += 10
    assert patient.health.ready().is_good


def test_the_database_is_not_asked_for_every_probe(patient: Patient) -> None:
    for _ in range(20):
        patient.health.ready()
    assert patient.probes == 1


def test_what_the_pipeline_found_out_counts_at_once(patient: Patient) -> None:
    patient.health.ready()
    patient.health.database_away(AWAY)
    assert patient.wrong() == {"database"}
    patient.health.database_answered(DIRECTORY)
    assert patient.health.ready().is_good


def test_messages_that_wait_too_long_for_their_commit_are_trouble(patient: Patient) -> None:
    patient.health.took([message()])
    patient.clock.now += STALL_SECONDS / 2
    patient.health.took([message()])  # more of the same transaction
    assert patient.health.ready().is_good
    patient.clock.now += STALL_SECONDS / 2
    assert patient.wrong() == {"commits"}
    assert patient.health.alive().is_good, "a lock in the database is no reason to start again"
    patient.health.committed(commit())
    assert patient.health.ready().is_good


def test_a_loop_that_stands_still_is_not_alive(patient: Patient) -> None:
    patient.clock.now += STANDSTILL_SECONDS
    assert not patient.health.alive().is_good
    patient.health.took([])
    assert patient.health.alive().is_good


@pytest.fixture
def server(metrics: GatewayMetrics, patient: Patient) -> Iterator[StatusServer]:
    with StatusServer("127.0.0.1:0", metrics.registry, patient.health) as running:
        yield running


def ask(server: StatusServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_the_status_server_tells_metrics_and_health(
    server: StatusServer, metrics: GatewayMetrics, patient: Patient
) -> None:
    metrics.took([message()])
    status, text = ask(server, "/metrics")
    assert status == 200
    assert "thalweg_gateway_messages_taken_total 1.0" in text.splitlines()
    assert ask(server, "/healthz") == (200, '{"alive": true, "checks": {"loop": "ok"}}\n')
    assert ask(server, "/readyz")[0] == 200
    patient.is_connected = False
    status, text = ask(server, "/readyz")
    assert status == 503
    answer = json.loads(text)
    assert not answer["ready"]
    assert [name for name, outcome in answer["checks"].items() if outcome != "ok"] == ["source"]
    assert ask(server, "/secrets")[0] == 404


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_with_its_variable(server: StatusServer, metrics: GatewayMetrics) -> None:
    with pytest.raises(SetupError, match="THALWEG_GATEWAY_HTTP"):
        StatusServer(f"127.0.0.1:{server.port}", metrics.registry, Patient().health)


@pytest.mark.parametrize(
    ("text", "address"),
    [("9101", ("127.0.0.1", 9101)), ("0.0.0.0:9101", ("0.0.0.0", 9101)), ("[::1]:9101", ("::1", 9101))],  # noqa: S104
)
def test_an_address_without_a_host_is_the_loopback_interface(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:http", "127.0.0.1:70000"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:9101"):
        parse_address(text)


def record(text: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("thalweg_gateway.pipeline", logging.WARNING, "", 0, text, arguments, None)
    made.__dict__.update(extra)
    return made


def test_a_log_line_is_one_json_object_with_what_it_concerns() -> None:
    about_batch = concerning(DEVICE, boot=7, first_seq=40, count=2)
    line = JsonLines("gateway-1").format(record("rejected %d:\n%s", 2, "conflict", **about_batch))
    assert "\n" not in line
    content = json.loads(line)
    assert datetime.fromisoformat(content.pop("time")).tzinfo is not None
    assert content == {
        "level": "warning",
        "logger": "thalweg_gateway.pipeline",
        "message": "rejected 2:\nconflict",
        "instance": "gateway-1",
        "device": DEVICE,
        "batch": {"boot": 7, "first_seq": 40, "count": 2},
    }


def test_a_line_for_people_shows_control_characters_of_strangers_as_escapes() -> None:
    line = TextLines("gateway-1").format(record("rejected on %s", "tw1/\x1b[2J\nfaked line", **concerning(DEVICE)))
    assert "\n" not in line
    assert r"tw1/\x1b[2J\nfaked line (device cp-01)" in line


def test_logs_are_json_unless_somebody_looks_on() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        for stream, style, is_json in (
            (io.StringIO(), None, True),
            (Terminal(), None, False),
            (Terminal(), LogStyle.JSON, True),
            (io.StringIO(), LogStyle.TEXT, False),
        ):
            logs.configure(style, "gateway-1", stream)
            logging.getLogger("thalweg_gateway").info("hello")
            assert stream.getvalue().startswith("{") is is_json
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_what_is_logged_about_a_message_names_its_device_and_batch() -> None:
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, DEVICE, 1).uplink, 7, first_seq=40)
    writer.add(charge())
    assert about(TOPIC, writer.seal()) == concerning(DEVICE, boot=7, first_seq=40, count=1)
    assert about(TOPIC, b"noise") == concerning(DEVICE)
    assert about(f"tw1/{ECOSYSTEM}/{DEVICE}/s", b"noise") == concerning(DEVICE)
    assert about("no/such/topic", b"noise") == {}
