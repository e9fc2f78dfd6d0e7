"""What the machine can do at most: COPY of the same bytes, and the broker with a subscriber that discards."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from thalweg.errors import SetupError
from thalweg.wire.topics import Channel, device_topic
from thalweg_app.bench.load import Task
from thalweg_app.bench.workload import Device, SealedBatch
from thalweg_app.nats import LOOPBACK, find_server
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor

_ROWS_OF_ONE_COMMIT: Final = 500
_COPY: Final = (
    "copy bench_copy (received_at, device, boot, first_seq, count, outcome, first_at, last_at, digest, payload, design)"
    " from stdin"
)
_READY_SECONDS: Final = 30


def copied_per_second(database_url: str, batches: Sequence[SealedBatch], events: int) -> float:
    """Events a second that COPY alone writes, durably, into a table of the shape of `batch`, 500 rows a commit."""
    now = datetime.now(UTC)
    rows = [
        (now, 1, 1, each.end_seq - events, events, "booked", now, now, digest(each.payload), each.payload, 1)
        for each in batches
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table bench_copy (like batch including all)")
        began = time.perf_counter()
        for first in range(0, len(rows), _ROWS_OF_ONE_COMMIT):
            with connection.cursor().copy(_COPY) as copy:
                for row in rows[first : first + _ROWS_OF_ONE_COMMIT]:
                    copy.write_row(row)
        seconds = time.perf_counter() - began
        connection.execute("drop table bench_copy")
    return len(rows) * events / seconds


def digest(payload: bytes) -> bytes:
    """Sixteen bytes like those of the real table."""
    return hashlib.sha256(payload).digest()[:16]


def discarded_per_second(folder: Path, ports: tuple[int, int], task: Task, devices: Sequence[Device]) -> float:
    """Messages a second from the same load through a broker of the same kind to one that discards them."""
    count = task.batches * len(devices)
    with Supervisor() as supervisor:
        supervisor.start(_open_server(folder, *ports))
        topic = device_topic(task.ecosystem, "+", Channel(task.channel))
        subscriber = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "thalweg_app.bench.discard", LOOPBACK, str(ports[0]), "bench", topic, str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert subscriber.stdout is not None
        subscriber.stdout.readline()
        run_load(task, devices)
        try:
            seconds = float(subscriber.communicate(timeout=task.limit_seconds)[0])
        except subprocess.TimeoutExpired:
            subscriber.kill()
            raise
    return count / seconds


def run_load(task: Task, devices: Sequence[Device]) -> dict[str, object]:
    """What the load's own process says of a task."""
    logins = [(each.name, each.password, each.keys.uplink.hex(), each.keys.downlink.hex()) for each in devices]
    content = asdict(task) | {"devices": logins}
    done = subprocess.run(
        [sys.executable, "-m", "thalweg_app.bench.load"],
        input=json.dumps(content),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError("the load broke off; its last words are above")
    result: dict[str, object] = json.loads(done.stdout)
    return result


def _open_server(folder: Path, mqtt_port: int, client_port: int) -> Program:
    """A server with the product's limits that lets everybody in."""
    folder.mkdir(parents=True)
    configuration = folder / "nats.conf"
    settings = {
        "server_name": "yardstick",
        "host": LOOPBACK,
        "port": client_port,
        "jetstream": {"store_dir": str(folder / "store")},
        "mqtt": {"host": LOOPBACK, "port": mqtt_port, "max_ack_pending": 2000},
    }
    configuration.write_text(json.dumps(settings))
    return Program(
        name="yardstick",
        command=(str(find_server()), "--config", str(configuration)),
        log=folder / "nats.log",
        is_ready=lambda: _listens(mqtt_port),
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
