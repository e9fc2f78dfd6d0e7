"""The fleet with the real firmware, a real broker, and the smallest gateway that can be."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

import pytest
from receipting_gateway import ReceiptingGateway

from thalweg.wire.keys import derive
from thalweg_app.nats import AUTH, SYSTEM, EmbeddedNats, NatsSecrets
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor
from thalweg_edge.generators.charging import ChargePoint
from thalweg_edge.generators.days import draws_of
from thalweg_gateway.auth_claims import new_seed
from worlds.doorkeeper import Doorkeeper

pytestmark = pytest.mark.slow
DEVICES = ("cp-01", "cp-02")
KEYS = {device: derive(b"root" * 8, "house", device, 1) for device in DEVICES}
SESSIONS = 400


def free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write_file(path: Path) -> int:
    """A file of sessions for both devices, in the default columns; gives their energy in Wh."""
    charge_point, total, rows = ChargePoint(sessions_per_100_days=1_000), 0, []
    for device in DEVICES:
        days = (charge_point.sessions(partial(draws_of, 3, device), day) for day in count(18_000))
        for one in islice(chain.from_iterable(days), SESSIONS):
            total += one.energy_wh
            start, end = (iso(moment) for moment in (one.start_ms, one.end_ms))
            rows.append(f"{device},{start},{end},{one.energy_wh},{len(rows) + 1}")
    path.write_text("\n".join(["station,start,end,wh,id", *rows]))
    return total


def iso(moment_ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment_ms)).isoformat()


def test_every_session_arrives_once_although_devices_and_broker_are_killed(tmp_path: Path) -> None:
    energy_wh = write_file(tmp_path / "sessions.csv")
    mqtt_port, client_port = free_ports()
    config = {
        "ecosystem": "house",
        "folder": "fleet",
        "mqtt": {"host": "127.0.0.1", "port": mqtt_port},
        "devices": [
            {
                "device": device,
                "uplink_key": keys.uplink.hex(),
                "downlink_key": keys.downlink.hex(),
                "password": f"{device}-password",
            }
            for device, keys in KEYS.items()
        ],
        "activities": {
            "file": "sessions.csv",
            "columns": {
                "station": "station", "start": "start", "end": "end", "energy": "wh", "energy_unit": "Wh",
                "duration": "", "id": "id", "time_format": "iso",
            },
        },
        "speed": "max",
        "seal_online_seconds": 1,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    own = NatsSecrets("secret", "auth-secret", "system-secret", new_seed())
    broker = EmbeddedNats(tmp_path / "nats", mqtt_port, client_port, own)
    door = Doorkeeper(broker.nats_url(AUTH), broker.nats_url(SYSTEM), own.issuer_seed, "house", is_guarded=False)
    for device in DEVICES:
        door.logins.set(device, f"{device}-password")
    command = (sys.executable, "-m", "thalweg_edge.fleet", str(tmp_path / "config.json"))
    with Supervisor() as supervisor:
        supervisor.start(broker.prepare())
        with door, ReceiptingGateway(mqtt_port, "secret", "house", KEYS) as gateway:
            supervisor.start(Program(name="fleet", command=command, log=tmp_path / "fleet.log", is_finite=True))
            assert supervisor.wait(60_000, until=lambda: len(gateway.events) >= 100), gateway.events
            for pid in device_processes(tmp_path / "fleet"):
                os.kill(pid, signal.SIGKILL)
            seen = len(gateway.events)
            assert supervisor.wait(60_000, until=lambda: len(gateway.events) >= seen + 100)
            pid = supervisor.report()["nats"].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert supervisor.wait(120_000, until=lambda: supervisor.report()["fleet"].is_finished)
    broker.release()
    sessions = [event for event in gateway.events.values() if event.kind == "charging.session"]
    assert sorted(event.attributes["session"] for event in sessions) == list(range(1, 2 * SESSIONS + 1))
    assert sum(event.quantity for event in sessions) == energy_wh
    assert len(gateway.events) == 2 * len(sessions)
    assert gateway.problems == []
    totals = json.loads((tmp_path / "fleet" / "fleet.json").read_text())["totals"]
    assert totals["recorded"] + totals["recorded_before"] == len(gateway.events)
    assert totals["restarts"] == len(DEVICES)
    assert totals["kinds"]["charging.session"] == {"events": 2 * SESSIONS, "quantity": energy_wh}


def device_processes(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"device.py" in command and str(folder).encode() in command:
            found.append(int(entry.name))
    return found
