"""Real brokers on free ports of the loopback interface."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from thalweg_app.local_system import free_port
from thalweg_app.nats import AUTH, SYSTEM, EmbeddedNats, NatsSecrets
from thalweg_app.supervisor import Supervisor
from thalweg_gateway.auth_claims import new_seed
from thalweg_gateway.auth_rights import Rights
from worlds.doorkeeper import Doorkeeper

PASSWORD = "no-secret-in-a-test"


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Poll until `condition` holds; the limit only keeps a broken test from hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass
class Broker:
    """A running broker; `kill` is kill -9, `start` brings it back with what it kept."""

    port: int
    start: Callable[[], None]
    kill: Callable[[], None]

    def url(self, user: str) -> str:
        return f"mqtt://{user}:{PASSWORD}@127.0.0.1:{self.port}"


@dataclass
class NatsBroker(Broker):
    """A NATS server with its callout."""

    server: EmbeddedNats
    door: Doorkeeper


@contextmanager
def nats(
    folder: Path, ecosystem: str, devices: list[str], *, rights: Rights | None = None, is_guarded: bool = False
) -> Iterator[NatsBroker]:
    """The embedded NATS server, and what lets the devices in.

    Only when it is guarded, devices must wait for a gateway of NATS.
    """
    server = EmbeddedNats(
        folder, free_port(), free_port(), NatsSecrets(PASSWORD, "auth-password", "system-password", new_seed())
    )
    with Supervisor() as supervisor:
        supervisor.start(server.prepare())

        def kill() -> None:
            pid = supervisor.report()["nats"].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not _listens(server.mqtt_port), "the port is closed")

        def start() -> None:
            assert supervisor.wait(60_000, lambda: supervisor.report()["nats"].is_ready)

        door = Doorkeeper(
            server.nats_url(AUTH),
            server.nats_url(SYSTEM),
            server.secrets.issuer_seed,
            ecosystem,
            is_guarded,
            rights,
        )
        for device in devices:
            door.logins.set(device, PASSWORD)
        with door:
            yield NatsBroker(server.mqtt_port, start, kill, server, door)
    server.release()


@contextmanager
def mosquitto(folder: Path) -> Iterator[Broker]:
    """Mosquitto with persistence, open to every user; skips where it is not installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("Mosquitto is not installed (as root on Debian, `make test` installs it)")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # started by root, it drops to an account of its own
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
        "max_queued_messages 0\nmax_inflight_messages 100\n"
    )
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        log = (folder / "mosquitto.log").open("ab")
        running.append(subprocess.Popen([program, "-c", str(configuration)], stdout=log, stderr=log))
        wait_for(lambda: _listens(port), "Mosquitto listens")

    def kill() -> None:
        process = running.pop()
        process.kill()
        process.wait()

    start()
    try:
        yield Broker(port, start, kill)
    finally:
        if running:
            kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
