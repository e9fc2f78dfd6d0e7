"""The bare-process form, for real: every unit's own command and environment, TLS, and one event on its way.

systemd itself does not run here: its part (environment files, credentials, signals) is played by the test.
"""

from __future__ import annotations

import json
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.keys import derive
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, device_topic
from thalweg_app.local_system import free_port
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_store.database import Database
from thalweg_store.logins import Logins
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.brokers import wait_for
from worlds.units import Unit

pytestmark = pytest.mark.slow
ECOSYSTEM = "ev-city"
DEVICE = "cp-01"
PASSWORD = "a-device's-own"
GATEWAY = "gateway-1"
#: what systemd counts as a clean end; uvicorn and the NATS server finish their work and then end by the signal itself
_CLEAN = (0, -signal.SIGTERM)


@dataclass
class Machine:
    """A machine that Thalweg is being installed on: `etc` stands for /etc/thalweg."""

    deploy: Path
    etc: Path
    database_url: str
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("nats", "mqtt", "http", "api", "status", "auth")}
    )

    def install(self) -> None:
        """What README.md has an operator do."""
        for kind in ("api", "auth", "gateway"):
            self._write(f"secrets/{kind}/database_url", self.database_url)
        run(
            sys.executable,
            self.deploy / "make-secrets",
            self.etc / "secrets",
            "--broker",
            "nats",
            "--broker-host",
            "localhost",
        )
        run("sh", self.deploy / "tls/make-certificates", self.etc / "tls", "localhost", "127.0.0.1")
        for url in (self.etc / "secrets").glob("*/*_url"):  # several machines share this one: ports of its own
            url.chmod(0o600)
            self._write(url.relative_to(self.etc), self._with_own_ports(url.read_text(encoding="utf-8")))
        environment = (self.deploy / "systemd/thalweg.env").read_text(encoding="utf-8")
        environment = environment.replace("THALWEG_ECOSYSTEM=\n", f"THALWEG_ECOSYSTEM={ECOSYSTEM}\n")
        environment = environment.replace("/etc/thalweg", str(self.etc))
        environment = environment.replace("=8090", f"={self.ports['api']}").replace(":9102", f":{self.ports['auth']}")
        self._write("thalweg.env", environment)
        self._write(f"{GATEWAY}.env", f"THALWEG_GATEWAY_HTTP=127.0.0.1:{self.ports['status']}\n")
        configuration = (self.deploy / "nats/nats.conf").read_text(encoding="utf-8")
        configuration = configuration.replace("/etc/thalweg", str(self.etc)).replace(
            "/var/lib/thalweg-nats", str(self.etc / "store")
        )
        self._write("nats/nats.conf", self._with_own_ports(configuration))
        self._write(
            "nats/nats-secrets.conf", (self.etc / "secrets/broker/nats-secrets.conf").read_text(encoding="utf-8")
        )

    def command(self, unit: Unit) -> list[str]:
        return [part.replace("/etc/thalweg", str(self.etc)) for part in unit.command_here()]

    def environment(self, unit: Unit) -> dict[str, str]:
        return unit.environment_here(self.etc, self.etc / f"run-{secrets.token_hex(4)}")

    def log(self, name: str) -> Path:
        return self.etc / f"{name}.log"

    @contextmanager
    def running(self, name: str, instance: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """A unit's program, as systemd would start it; killed if the test leaves it behind."""
        unit = Unit.read(self.deploy / "systemd" / name, instance)
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                self.command(unit),
                env=self.environment(unit),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _write(self, name: str | Path, content: str) -> None:
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def _with_own_ports(self, content: str) -> str:
        for usual, name in (("4222", "nats"), ("8883", "mqtt"), ("8222", "http")):
            content = content.replace(f": {usual}", f": {self.ports[name]}").replace(
                f":{usual}", f":{self.ports[name]}"
            )
        return content


@pytest.fixture
def machine(deploy: Path, postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    name = f"bare_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    with tempfile.TemporaryDirectory(prefix="thalweg-") as folder:
        made = Machine(deploy, Path(folder), postgres_server.url.replace("/postgres?", f"/{name}?"))
        made.install()
        yield made
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; status 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def samples(port: int) -> dict[tuple[str, str], float]:
    """(series, last label's value) → value."""
    return {
        (sample.name, next(reversed(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(get(port, "/metrics")[1])
        for sample in family.samples
    }


def register(database_url: str) -> None:
    database = Database(database_url)
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV city", {"mall-42": "Mall 42"})
    document = text("ev-charging")
    registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))
    device = NewDevice(name=DEVICE, operator="city-charge", roles={"host": "mall-42"})
    registry.ensure_devices(ECOSYSTEM, [device], BEGINNING)
    Logins(database, ECOSYSTEM).set({DEVICE: PASSWORD}, datetime.now(UTC))
    database.close()


@contextmanager
def device(machine: Machine) -> Iterator[tuple[paho.Client, list[bytes]]]:
    """A plain MQTT client that trusts the installation's authority, and the receipts that it gets."""
    receipts: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
    client.username_pw_set(DEVICE, PASSWORD)
    client.tls_set_context(ssl.create_default_context(cafile=str(machine.etc / "tls/ca.pem")))
    client.on_message = lambda _client, _data, message: receipts.append(message.payload)
    client.on_connect = lambda client, *_: client.subscribe(device_topic(ECOSYSTEM, DEVICE, Channel.RECEIPT), 0)
    client.reconnect_delay_set(1, 1)
    client.connect("localhost", machine.ports["mqtt"])
    client.loop_start()
    try:
        wait_for(client.is_connected, "the device is let in")
        yield client, receipts
    finally:
        client.disconnect()
        client.loop_stop()


def a_charge(root_key: bytes) -> bytes:
    writer = BatchWriter(derive(root_key, ECOSYSTEM, DEVICE, 1).uplink, 7)
    at_ms = int(datetime.now(UTC).timestamp() * 1000) - 60_000
    writer.add(Event(at_ms, "charging.session", 6706, False, {"emsp": "volt-pass", "session": 1, "seconds": 3600}))
    return writer.seal()


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(60)


def log_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_event_goes_its_way_through_the_units_and_everything_tells_of_it(machine: Machine) -> None:
    upgrade = Unit.read(machine.deploy / "systemd/thalweg-upgrade.service")
    run(*machine.command(upgrade), env=machine.environment(upgrade))
    register(machine.database_url)
    root_key = bytes.fromhex((machine.etc / "secrets/gateway/root_key").read_text(encoding="ascii"))
    status, api = machine.ports["status"], machine.ports["api"]
    with ExitStack() as stack:
        nats = stack.enter_context(machine.running("thalweg-nats.service"))
        wait_for(lambda: get(machine.ports["http"], "/healthz")[0] == 200, "the broker is healthy")
        gateway = stack.enter_context(machine.running("thalweg-gateway@.service", GATEWAY))
        auth = stack.enter_context(machine.running("thalweg-auth.service"))
        server = stack.enter_context(machine.running("thalweg-api.service"))
        wait_for(lambda: get(status, "/readyz")[0] == 200 or gateway.poll() is not None, "the gateway is ready")
        wait_for(lambda: get(machine.ports["auth"], "/readyz")[0] == 200, "devices can be let in")
        wait_for(lambda: get(api, "/readyz")[0] == 200 or server.poll() is not None, "the API is ready")
        assert [each.poll() for each in (nats, gateway, auth, server)] == [None] * 4, machine.log(
            "thalweg-gateway@.service"
        ).read_text()
        with device(machine) as (client, receipts):
            client.publish(device_topic(ECOSYSTEM, DEVICE, Channel.EVENTS), a_charge(root_key), qos=1)
            wait_for(lambda: bool(receipts), "the receipt")
        receipt = open_sealed(Channel.RECEIPT, receipts[-1], derive(root_key, ECOSYSTEM, DEVICE, 1).downlink)
        assert (receipt["boot"], receipt["next"]) == (7, 1)
        counted = samples(status)
        assert counted["thalweg_gateway_events_total", "booked"] == 1
        assert counted["thalweg_gateway_receipts_sent_total", ""] == 1
        assert counted["thalweg_gateway_source_connected", ""] == 1
        assert counted["thalweg_gateway_source_backlog_messages", ""] == 0
        asked = samples(machine.ports["auth"])
        assert asked["thalweg_auth_answers_total", "let_in"] == 1
        assert asked["thalweg_auth_connected", "system"] == 1
        seen = samples(api)
        assert seen["thalweg_store_up", ""] == 1
        assert seen["thalweg_ecosystem_devices", ECOSYSTEM] == 1
        assert seen["thalweg_ecosystem_gap_events", ECOSYSTEM] == 0
        assert [stop(each) for each in (gateway, auth)] == [0, 0]
        assert stop(server) in _CLEAN
        assert stop(nats) in _CLEAN
    for name in ("thalweg-gateway@.service", "thalweg-api.service"):
        assert {"time", "level", "logger", "message", "instance"} <= set.intersection(
            *map(set, log_lines(machine.log(name)))
        )


def test_a_gateway_without_its_secrets_says_which_and_is_not_started_again(machine: Machine) -> None:
    (machine.etc / "secrets/gateway/root_key").unlink()
    with machine.running("thalweg-gateway@.service", GATEWAY) as gateway:
        assert gateway.wait(60) == 2, "RestartPreventExitStatus"
    assert "THALWEG_ROOT_KEY" in machine.log("thalweg-gateway@.service").read_text(encoding="utf-8")


def test_a_sample_key_is_refused(machine: Machine) -> None:
    key = machine.etc / "secrets/gateway/root_key"
    key.chmod(0o600)
    key.write_text("00112233" * 8, encoding="ascii")
    with machine.running("thalweg-gateway@.service", GATEWAY) as gateway:
        assert gateway.wait(60) == 2
    assert "looks like a sample" in machine.log("thalweg-gateway@.service").read_text(encoding="utf-8")


def test_secrets_are_made_once_and_closed_to_others(machine: Machine) -> None:
    folder = machine.etc / "secrets"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run(sys.executable, machine.deploy / "make-secrets", folder, "--broker", "nats", "--broker-host", "localhost")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert folder.stat().st_mode & 0o777 == 0o700
    values = [content for path, content in before.items() if path.name != "database_url"]
    assert len(set(values)) == len(values), "no two secrets are alike"
