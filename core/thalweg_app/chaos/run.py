"""A run from start to verdict: the system and its devices, the course of the plan, the rest in peace, the judge."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from thalweg.errors import SetupError, StoreError
from thalweg.wire.keys import DeviceKeys, derive
from thalweg_app.bench.figures import machine
from thalweg_app.chaos.course import RECOVERY_SECONDS, STALLED_SECONDS, Course
from thalweg_app.chaos.disk import SmallDisk
from thalweg_app.chaos.faults import Faults
from thalweg_app.chaos.judge import all_arrived, judge, rated
from thalweg_app.chaos.load import Task
from thalweg_app.chaos.load_process import LoadProcess, Progress
from thalweg_app.chaos.plan import FAULTS, Durations, Kind, Step, plan
from thalweg_app.chaos.report import Memory, Report, Verdict, memory_verdict
from thalweg_app.chaos.stored import Stored
from thalweg_app.chaos.truth import Truth
from thalweg_app.chaos.watch import Watch
from thalweg_app.chaos.workload import Sort
from thalweg_app.demo_world import ECOSYSTEM, register
from thalweg_app.local_system import DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE, LocalSystem, free_port
from thalweg_store.database import Database

_EVENTS_OF_A_DEVICE: Final = 20_000
_MIN_DEVICES, _MAX_DEVICES = 8, 64
#: what a run may write: the log of changes alone takes 2 GB
_DISK_BYTES: Final = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to do."""

    seed: int
    events: int
    faults: Sequence[Kind] = FAULTS
    durations: Durations = field(default_factory=Durations)
    #: kills of each server; None: by the number of events
    rounds: int | None = None
    #: the load is stretched over so many minutes, beside the faults; None: as fast as it goes
    minutes: int | None = None
    #: where logs are left; None: nowhere
    keep: Path | None = None


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """One run on servers of its own; raises SetupError when it cannot be done here."""
    for variable in (DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE):
        if os.environ.get(variable):
            raise SetupError(f"chaos kills servers of its own only: unset {variable}")
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(options.keep))
        faults, not_run, disk = list(options.faults), {}, None
        if Kind.FULL in faults:
            try:
                disk = SmallDisk(folder / "postgres", _DISK_BYTES)
                stack.callback(disk.close)
                stack.callback(_save_log, folder)
            except SetupError as error:
                not_run[str(Kind.FULL)] = str(error)
                faults.remove(Kind.FULL)
        steps = plan(options.seed, options.events, faults, options.durations, options.rounds)
        system = stack.enter_context(LocalSystem(folder, ECOSYSTEM, free_port()))
        return _play(system, options, steps, disk, not_run, tell)


def _play(
    system: LocalSystem,
    options: Options,
    steps: Sequence[Step],
    disk: SmallDisk | None,
    not_run: dict[str, str],
    tell: Callable[[str], None],
) -> Report:
    """Start the system, break it, and judge."""
    now = datetime.now(UTC)
    devices = _start(system, options.events, now, tell)
    watch = Watch(system.supervisor)
    faults = Faults(system, watch, disk, options.seed, now)
    truth_file = system.folder / "truth.jsonl"
    with LoadProcess(_task(system, options, now, truth_file), devices) as load:
        if not watch.wait(STALLED_SECONDS, lambda: load.progress().planned > 0):
            raise SetupError("the load does not begin")
        tell(f"{load.progress().planned:,} messages are ready; {len(steps)} steps")
        course = Course(watch, faults, load, tell)
        course.play(steps)
        seconds, progress = course.seconds, load.progress()
    truth = Truth.read(truth_file)
    was_restored = any(each.kind == Kind.RESTORE for each in course.happened)
    verdicts = [*_of_receipts(progress), *_of_store(system, watch, faults, truth, was_restored=was_restored)]
    memory = Memory(lives=len(watch.peaks), peak_bytes=watch.peak_bytes, peak_bytes_away=course.peak_bytes_away)
    return Report(
        seed=options.seed,
        machine=machine(),
        seconds=round(seconds, 1),
        load=_counts(truth, progress),
        faults=tuple(course.happened),
        not_run=not_run,
        restarts=watch.restarts(),
        memory=memory,
        verdicts=(*verdicts, memory_verdict(memory)),
    )


def _start(
    system: LocalSystem, events: int, now: datetime, tell: Callable[[str], None]
) -> list[tuple[str, str, DeviceKeys]]:
    """Database, broker and gateway; the registered devices with their secrets."""
    count = max(_MIN_DEVICES, min(_MAX_DEVICES, events // _EVENTS_OF_A_DEVICE))
    names = [f"chaos-{number:03}" for number in range(count)]
    tell(f"starting database, broker and gateway for {count} devices")
    database = system.start_database()
    register(database, names, now)
    database.close()
    passwords = system.start_broker(names)
    system.start_gateway()
    return [(name, passwords[name], derive(system.secrets.root_key, ECOSYSTEM, name, 1)) for name in names]


def _task(system: LocalSystem, options: Options, now: datetime, truth_file: Path) -> Task:
    host, port = system.broker
    return Task(
        host=host,
        port=port,
        ecosystem=ECOSYSTEM,
        seed=options.seed,
        events=options.events,
        now_ms=int(now.timestamp() * 1000),
        minutes=options.minutes,
        truth=str(truth_file),
    )


def _of_receipts(progress: Progress) -> Iterator[Verdict]:
    yield Verdict(name="everything is receipted", ok=progress.done, expected=True, found=progress.done)
    forged = progress.forged_receipts
    yield Verdict(name="receipts with a wrong code", ok=not forged, expected=0, found=forged)


def _of_store(
    system: LocalSystem, watch: Watch, faults: Faults, truth: Truth, *, was_restored: bool
) -> list[Verdict]:  # fmt: skip
    """Once all that the broker holds is committed, or has had its time."""
    watch.wait(RECOVERY_SECONDS, watch.all_ready)
    try:
        with psycopg.connect(faults.dsn, autocommit=True) as connection:
            stored = Stored(connection)
            deadline = time.monotonic() + RECOVERY_SECONDS
            while time.monotonic() < deadline and not all_arrived(truth, stored):
                watch.wait(1)
            database = Database(system.database_url, pool_size=1)
            money = rated(database, ECOSYSTEM)
            database.close()
            return [*judge(truth, stored, money, was_restored=was_restored), faults.frozen_sums()]
    except (psycopg.OperationalError, StoreError) as error:
        return [Verdict(name="the database answers", ok=False, expected=True, found=str(error).strip())]


def _counts(truth: Truth, progress: Progress) -> dict[str, int]:
    originals = truth.of(Sort.ORIGINAL)
    return {
        "events": sum(each.events for each in originals),
        "late_events": sum(each.events for each in originals if each.is_late),
        "batches": len(originals),
        "conflicting": len(truth.of(Sort.RIVAL)),
        "corrupt": len(truth.of(Sort.CORRUPT)),
        "messages": progress.sent + progress.resent,
        "acknowledged": sum(each.was_acknowledged for each in truth.messages),
        "receipts": progress.receipts,
        "receipted": sum(each.was_receipted for each in originals),
        "store_lives": progress.epochs,
        "connections": progress.connections,
    }


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder that the database's own account can pass when root runs this."""
    if keep is not None:
        keep.mkdir(parents=True, mode=0o711)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="thalweg-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def _save_log(folder: Path) -> None:
    """The database's log is on its disk, which goes."""
    with suppress(FileNotFoundError):
        shutil.copy(folder / "postgres" / "postgres.log", folder)
