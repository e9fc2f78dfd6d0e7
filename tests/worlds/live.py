"""The whole system on free ports, small: one charge point that runs the real firmware and charges when it is told to.

Nothing tends it in the background: the processes run by themselves, and a test that stops one starts it again.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

import pytest

from thalweg.wire.keys import derive
from thalweg_app.demo_examples import DEFAULT
from thalweg_app.demo_world import ECOSYSTEM, register
from thalweg_app.local_system import DATABASE_VARIABLE, MQTT_VARIABLE, LocalSystem, free_port
from thalweg_edge.charging_sessions import KINDS
from thalweg_edge.device_folder import DeviceFolder
from thalweg_edge.firmware_home import find_firmware
from thalweg_edge.lifeline import tied_to_parent
from thalweg_store.access import create_token
from worlds.brokers import wait_for
from worlds.demo import open_folder

#: what the drivers pay in the example, EUR per Wh
PRICE_PER_WH = Decimal("0.0005")
_KEY_VERSION = 1


@dataclass
class ChargePoint:
    """A running charge point; its standard input is the plug."""

    process: subprocess.Popen[bytes]
    _sessions: int = 0

    def charge(self, wh: int, emsp: str = "volt-pass", end_ms: int | None = None) -> None:
        """Hand it a finished session, of now unless `end_ms` (Unix time) says otherwise."""
        self._sessions += 1
        session = {"emsp": emsp, "session": self._sessions, "seconds": 1800}
        events = [["occupancy", 1, "city", {}], ["charging.session", wh, None, session]]
        plug: IO[bytes] | None = self.process.stdin
        assert plug is not None
        plug.write(json.dumps({"at_ms": end_ms, "events": events, "final": True}).encode() + b"\n")
        plug.flush()


@dataclass
class Live:
    """The system, a token to read it with, and its charge point."""

    system: LocalSystem
    token: str
    charge_point: ChargePoint

    @property
    def url(self) -> str:
        return self.system.api_url

    @property
    def signin_url(self) -> str:
        return f"{self.url}/signin?token={self.token}"

    def overview(self, window: str = "24h", view: str | None = None) -> Any:
        """The API's answer, to compare the page with."""
        query = f"window={window}" + (f"&view={view}" if view else "")
        return self.system.get(f"/api/v1/ecosystems/{ECOSYSTEM}/overview?{query}", self.token)

    def charge(self, wh: int, emsp: str = "volt-pass", end_ms: int | None = None) -> None:
        """Hand over a session and return once it is committed."""
        before = self._committed()
        self.charge_point.charge(wh, emsp, end_ms)
        wait_for(lambda: self._committed() >= before + 2, "the session and its occupancy record are committed")

    def stop_api(self) -> None:
        self.system.supervisor.stop("api")

    def start_api(self) -> None:
        self.system.start_api()

    def _committed(self) -> int:
        accounting = self.system.get(f"/api/v1/ecosystems/{ECOSYSTEM}/accounting", self.token)
        return int(accounting["committed"])


@contextmanager
def live_system() -> Iterator[Live]:
    """Everything running, with one session of three days ago committed and nothing since."""
    with open_folder() as folder, pytest.MonkeyPatch.context() as environment:
        for variable in (DATABASE_VARIABLE, MQTT_VARIABLE):
            environment.delenv(variable, raising=False)
        [device] = DEFAULT.device_names(1)
        with LocalSystem(folder, ECOSYSTEM, free_port()) as system:
            database = system.start_database()
            now = datetime.now(UTC)
            register(database, [device], now)
            token = create_token(database, ECOSYSTEM, "tester", now, now + timedelta(hours=1))
            database.close()
            passwords = system.start_broker([device])
            system.start_gateway()
            system.start_api()
            with _charge_point(system, device, passwords[device]) as charge_point:
                live = Live(system, token, charge_point)
                live.charge(10_000, "volt-pass", time.time_ns() // 1_000_000 - 3 * 86_400_000)
                yield live


@contextmanager
def _charge_point(system: LocalSystem, device: str, password: str) -> Iterator[ChargePoint]:
    host, port = system.broker
    keys = derive(system.secrets.root_key, ECOSYSTEM, device, _KEY_VERSION)
    folder = DeviceFolder(system.folder / device, keys.uplink)
    folder.configure(
        {
            "ecosystem": ECOSYSTEM,
            "device": device,
            "key_version": _KEY_VERSION,
            "uplink_key": keys.uplink.hex(),
            "downlink_key": keys.downlink.hex(),
            "mqtt": {"host": host, "port": port, "user": device, "password": password},
            "seal_online_seconds": 1,
        },
        KINDS,
    )
    with (system.folder / f"{device}.log").open("wb") as log:
        process = subprocess.Popen(
            find_firmware().command(folder.path),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            preexec_fn=tied_to_parent(),  # noqa: PLW1509 - started from the main thread
        )
    try:
        yield ChargePoint(process)
    finally:
        process.terminate()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
