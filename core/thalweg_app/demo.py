"""`thalweg demo`: the whole system on this machine, with simulated charge points that run the real firmware."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from thalweg.errors import ThalwegError
from thalweg.wire.keys import derive
from thalweg_app.demo_check import DemoCheck, Verdict
from thalweg_app.demo_progress import Progress
from thalweg_app.demo_world import ECOSYSTEM, charge_points, register
from thalweg_app.local_system import LocalSystem
from thalweg_app.process import Program
from thalweg_edge.columns import ColumnMapping
from thalweg_edge.device_folder import replace_file
from thalweg_edge.fleet import STATUS_FILE
from thalweg_edge.session_file import RecordedSessions, read_sessions
from thalweg_store.access import create_token
from thalweg_store.database import Database

_FLEET: Final = "devices"
_TOKEN_HOURS: Final = 24
_HISTORY_DAYS: Final = 30
_SEED: Final = 1
_KEY_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says."""

    data: Path
    devices: int
    port: int
    #: how many times faster than real time sessions come; None = as fast as the devices take them
    speed: int | None
    #: stop after this many seconds; None = run until told to stop
    seconds: int | None
    #: recorded sessions instead of generated ones
    sessions: Path | None
    columns: ColumnMapping
    check: bool


class StageFailedError(Exception):
    """A part of the system did not come up; `stage` names it."""

    def __init__(self, stage: str, why: str) -> None:
        self.stage = stage
        super().__init__(why)


def run(options: DemoOptions) -> int:
    """Run the demonstration; the exit status. With `check`, prints a verdict as JSON on standard output."""
    progress = Progress()
    started = time.monotonic()
    try:
        with LocalSystem(options.data, ECOSYSTEM, options.port) as system:
            recorded, database, token = _start(system, options, progress)
            check = DemoCheck(system, token, progress, started) if options.check else None
            with _stage("devices", progress):
                system.supervisor.start(_fleet_program(system))
            if check is not None:
                return _tell(check.run(status_path(system), recorded))
            progress.say(_welcome(system, token, options))
            _watch(system, token, options.seconds, progress)
            database.close()
    except StageFailedError as failure:
        return _tell(Verdict(ok=False, stage=failure.stage, detail=str(failure))) if options.check else 1
    finally:
        progress.end()
    return 0


def _welcome(system: LocalSystem, token: str, options: DemoOptions) -> str:
    pace = (
        "as fast as the charge points take them"
        if options.speed is None
        else f"{options.speed} times faster than real time"
    )
    return (
        f"\n  Open  {system.api_url}/signin?token={token}\n\n"
        f"  Charge points run the real firmware; sessions come {pace}.\n"
        f"  Ctrl-C stops everything; the data stays in {options.data}.\n"
    )


def _tell(verdict: Verdict) -> int:
    print(json.dumps(verdict.as_json(), indent=1))
    return 0 if verdict.ok else 1


def _start(
    system: LocalSystem, options: DemoOptions, progress: Progress
) -> tuple[RecordedSessions | None, Database, str]:
    """Bring up everything but the devices, whose configuration is written."""
    recorded = None
    devices = charge_points(options.devices)
    if options.sessions is not None:
        with _stage("sessions", progress):
            recorded = read_sessions(options.sessions, options.columns)
            devices = sorted(recorded.by_device)
    with _stage("database", progress):
        database = system.start_database()
        now = datetime.now(UTC)
        register(database, devices, now)
        token = create_token(database, ECOSYSTEM, "demo", now, now + timedelta(hours=_TOKEN_HOURS))
    with _stage("broker", progress):
        passwords = system.start_broker(devices)
    with _stage("gateway", progress):
        system.start_gateway()
    with _stage("api", progress):
        system.start_api()
    _configure_fleet(system, options, devices, passwords)
    return recorded, database, token


@contextmanager
def _stage(name: str, progress: Progress) -> Iterator[None]:
    with progress.stage(name):
        try:
            yield
        except ThalwegError as error:
            progress.fail(name, str(error))
            raise StageFailedError(name, str(error)) from error


def _configure_fleet(system: LocalSystem, options: DemoOptions, devices: list[str], passwords: Any) -> None:
    host, port = system.broker
    root_key = system.secrets.root_key
    keys = {device: derive(root_key, ECOSYSTEM, device, _KEY_VERSION) for device in devices}
    sessions: dict[str, Any] = {"seed": _SEED, "history_days": _HISTORY_DAYS}
    if options.check:
        sessions["live_sessions"] = 1
    if options.sessions is not None:
        sessions = {"file": str(options.sessions.absolute()), "columns": asdict(options.columns)}
    configuration = {
        "ecosystem": ECOSYSTEM,
        "folder": "devices",
        "mqtt": {"host": host, "port": port},
        "devices": [
            {
                "device": device,
                "key_version": _KEY_VERSION,
                "uplink_key": keys[device].uplink.hex(),
                "downlink_key": keys[device].downlink.hex(),
                "password": passwords[device],
            }
            for device in devices
        ],
        "sessions": sessions,
        "speed": "max" if options.speed is None or (options.check and options.sessions is None) else options.speed,
    }
    replace_file(system.folder / "fleet-config.json", json.dumps(configuration, indent=1))
    status_path(system).unlink(missing_ok=True)


def _fleet_program(system: LocalSystem) -> Program:
    return Program(
        name=_FLEET,
        command=(sys.executable, "-m", "thalweg_edge.fleet", str(system.folder / "fleet-config.json")),
        log=system.folder / "devices.log",
        is_ready=status_path(system).exists,
        is_finite=True,
    )


def status_path(system: LocalSystem) -> Path:
    """Where the fleet says how it is doing."""
    return system.folder / "devices" / STATUS_FILE


def _watch(system: LocalSystem, token: str, seconds: int | None, progress: Progress) -> None:
    """Keep everything running and say what happens, until the time is over."""
    deadline = time.monotonic() + seconds if seconds is not None else None
    while deadline is None or time.monotonic() < deadline:
        system.supervisor.wait(1000)
        try:
            accounting = system.get(f"/api/v1/ecosystems/{ECOSYSTEM}/accounting", token)
        except ThalwegError as error:
            progress.now(str(error))
            continue
        restarts = {name: report.restarts for name, report in system.supervisor.report().items() if report.restarts}
        progress.now(progress.line(accounting, restarts))
