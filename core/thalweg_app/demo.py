"""`thalweg demo`: the whole system on this machine, with simulated devices that run the real firmware."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from thalweg.errors import SetupError, ThalwegError
from thalweg_app import demo_fleet
from thalweg_app.demo_check import DemoCheck, Verdict
from thalweg_app.demo_examples import Example
from thalweg_app.demo_progress import Progress
from thalweg_app.demo_world import register
from thalweg_app.local_system import LocalSystem
from thalweg_edge.columns import ColumnMapping
from thalweg_edge.session_file import RecordedSessions, read_sessions
from thalweg_store.access import create_token
from thalweg_store.database import Database

_TOKEN_HOURS: Final = 24
_HISTORY_DAYS: Final = 30
_SEED: Final = 1
#: in the data folder: which example it belongs to
_EXAMPLE_FILE: Final = "example.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says."""

    example: Example
    data: Path
    #: how many devices do generated things; None = as many as the example has
    devices: int | None
    port: int
    #: how many times faster than real time things happen; None = as fast as the devices take them
    speed: int | None
    #: stop after this many seconds; None = run until told to stop
    seconds: int | None
    #: recorded charging sessions instead of generated ones
    sessions: Path | None
    columns: ColumnMapping
    check: bool


class StageFailedError(Exception):
    """A part of the system did not come up; `stage` names it."""

    def __init__(self, stage: str, why: str) -> None:
        self.stage = stage
        super().__init__(why)


def run(options: DemoOptions) -> int:
    """Run the demonstration; the exit status. With `check`, prints a verdict as JSON on standard output.

    Raises SetupError when the data folder is another example's, or the example takes no recorded sessions.
    """
    if options.sessions is not None and not options.example.takes_session_files:
        raise SetupError(f"charging sessions cannot drive {options.example.devices}: leave --sessions or --example out")
    _claim(options.data, options.example)
    progress = Progress()
    started = time.monotonic()
    try:
        with LocalSystem(options.data, options.example.id, options.port) as system:
            recorded, database, token = _start(system, options, progress)
            check = DemoCheck(system, token, progress, started, options.example) if options.check else None
            with _stage("devices", progress):
                system.supervisor.start(demo_fleet.program(system))
            if check is not None:
                return _tell(check.run(demo_fleet.status_path(system), recorded))
            progress.say(_welcome(system, token, options))
            _watch(system, token, options.seconds, progress)
            database.close()
    except StageFailedError as failure:
        return _tell(Verdict(ok=False, stage=failure.stage, detail=str(failure))) if options.check else 1
    finally:
        progress.end()
    return 0


def _claim(data: Path, example: Example) -> None:
    """Note which example the data folder belongs to; raises SetupError when it is another one."""
    data.mkdir(parents=True, exist_ok=True)
    noted = data / _EXAMPLE_FILE
    if not noted.exists():
        noted.write_text(f"{example.id}\n", encoding="utf-8")
    held = noted.read_text(encoding="utf-8").strip()
    if held != example.id:
        raise SetupError(
            f"the folder {data} holds the example {held}: start it with --example {held}, "
            f"or give {example.id} a folder of its own, such as --data {data.with_name(example.id)}"
        )


def _welcome(system: LocalSystem, token: str, options: DemoOptions) -> str:
    pace = "as fast as they can" if options.speed is None else f"{options.speed} times faster than real time"
    return (
        f"\n  Open  {system.api_url}/signin?token={token}\n\n"
        f"  {options.example.devices.capitalize()} run the real firmware; things happen {pace}.\n"
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
    devices = options.example.device_names(options.devices)
    if options.sessions is not None:
        with _stage("sessions", progress):
            recorded = read_sessions(options.sessions, options.columns)
            devices = sorted(recorded.by_device)
    with _stage("database", progress):
        database = system.start_database()
        now = datetime.now(UTC)
        register(database, devices, now, options.example)
        token = create_token(database, system.ecosystem, "demo", now, now + timedelta(hours=_TOKEN_HOURS))
    with _blaming("api", progress):  # it takes longest, and needs only the database: the others start beside it
        system.launch_api()
    with _stage("broker", progress):
        passwords = system.start_broker(devices)
    with _stage("gateway", progress):
        system.start_gateway()
    with _stage("api", progress):
        system.await_api()
    demo_fleet.configure(system, devices, passwords, _activities(options), _speed(options))
    return recorded, database, token


@contextmanager
def _stage(name: str, progress: Progress) -> Iterator[None]:
    with progress.stage(name), _blaming(name, progress):
        yield


@contextmanager
def _blaming(name: str, progress: Progress) -> Iterator[None]:
    """What fails inside is told as this stage's failure."""
    try:
        yield
    except ThalwegError as error:
        progress.fail(name, str(error))
        raise StageFailedError(name, str(error)) from error


def _activities(options: DemoOptions) -> dict[str, Any]:
    """What devices do."""
    if options.sessions is not None:
        return {"file": str(options.sessions.absolute()), "columns": asdict(options.columns)}
    activities = {"generator": options.example.generator, "seed": _SEED, "history_days": _HISTORY_DAYS}
    return activities | ({"live": 1} if options.check else {})


def _speed(options: DemoOptions) -> int | str:
    """How fast they do it; a check waits for nothing that it makes up itself."""
    return "max" if options.speed is None or (options.check and options.sessions is None) else options.speed


def _watch(system: LocalSystem, token: str, seconds: int | None, progress: Progress) -> None:
    """Keep everything running and say what happens, until the time is over."""
    deadline = time.monotonic() + seconds if seconds is not None else None
    while deadline is None or time.monotonic() < deadline:
        system.supervisor.wait(1000)
        try:
            accounting = system.get(f"/api/v1/ecosystems/{system.ecosystem}/accounting", token)
        except ThalwegError as error:
            progress.now(str(error))
            continue
        restarts = {name: report.restarts for name, report in system.supervisor.report().items() if report.restarts}
        progress.now(progress.line(accounting, restarts))
