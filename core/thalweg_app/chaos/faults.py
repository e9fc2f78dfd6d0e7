"""Doing it: kill, stop, lock, fill, put back. What the system can bring back itself, it must bring back itself."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

from thalweg.errors import SetupError
from thalweg_app import postgres_files
from thalweg_app.chaos.disk import SmallDisk
from thalweg_app.chaos.plan import Kind, Step
from thalweg_app.chaos.report import Verdict
from thalweg_app.chaos.stored import Stored
from thalweg_app.chaos.watch import Watch
from thalweg_app.local_system import LocalSystem
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour

_PROGRAMS: Final = {Kind.GATEWAY: ("gateway",), Kind.BROKER: ("nats",), Kind.DATABASE: ("postgres",)}
_ALL: Final = ("nats", "postgres", "gateway")
_LOCKED: Final = ("boot", "batch", "rollup", "tally", "received")
_FOLDERS: Final = "select current_setting('data_directory'), (select setting from pg_config where name = 'BINDIR')"
_WRITE: Final = "create table chaos_rows as select generate_series(1, 100000); drop table chaos_rows"
_WRITE_LOG: Final = "select pg_create_restore_point('chaos'), pg_switch_wal()"
#: the closed period, before the load's present: late events lie in it
_CLOSED: Final = (timedelta(days=4), timedelta(days=1))


class Faults:
    """What can be done to one running system."""

    def __init__(self, system: LocalSystem, watch: Watch, disk: SmallDisk | None, seed: int, now: datetime) -> None:
        """`disk` is the database's own one, where there is one; `now` is the load's present."""
        self._system = system
        self._watch = watch
        self._disk = disk
        oldest, latest = (quarter_hour(now - age) for age in _CLOSED)
        self._period = oldest, latest
        self._frozen: list[tuple[Any, ...]] | None = None
        self._chance = random.Random(f"faults/{seed}")  # noqa: S311 - reproducible, no secret
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(_FOLDERS).fetchone()
        assert row is not None
        self._cluster, self._programs = map(Path, row)
        self._backup = system.folder / "backup"
        self._acts: Mapping[Kind, Callable[[Step], str]] = {
            Kind.GATEWAY: self._kill,
            Kind.BROKER: self._kill,
            Kind.DATABASE: self._kill,
            Kind.ALL: self._kill,
            Kind.AWAY: self._away,
            Kind.LOCK: self._lock,
            Kind.FULL: self._fill,
            Kind.BACKUP: self._back_up,
            Kind.RESTORE: self._restore,
            Kind.CLOSE: self._close,
        }

    @property
    def dsn(self) -> str:
        """The database, as the driver wants it."""
        return self._system.database_url.replace("postgresql+psycopg://", "postgresql://")

    def frozen_sums(self) -> Verdict:
        """Whether the closed period has the sums that it was closed with."""
        found = self._closed_sums()
        return Verdict(
            name="sums of the closed period, as of its close",
            ok=self._frozen is not None and found == self._frozen,
            expected=len(self._frozen or ()),
            found=len(found or ()),
        )

    def do(self, step: Step) -> str:
        """Do it, and return when it is over; what was done, in words."""
        return self._acts[step.kind](step)

    def _kill(self, step: Step) -> str:
        self._watch.look()
        killed = []
        for name in _PROGRAMS.get(step.kind, _ALL):
            process_id = self._watch.process_id(name)
            if process_id is not None:
                os.kill(process_id, signal.SIGKILL)
                killed.append(f"{name} ({process_id})")
        return f"kill -9 of {', '.join(killed)}"

    def _away(self, step: Step) -> str:
        self._system.supervisor.hold("postgres")
        self._watch.wait(step.seconds)
        self._system.supervisor.let_go("postgres")
        return f"database stopped for {step.seconds} s"

    def _lock(self, step: Step) -> str:
        table = self._chance.choice(_LOCKED)
        with psycopg.connect(self.dsn) as connection:
            connection.execute(f"lock table {table} in access exclusive mode".encode())
            self._watch.wait(step.seconds)
            connection.rollback()
        return f"table {table!r} locked for {step.seconds} s"

    def _fill(self, step: Step) -> str:
        assert self._disk is not None
        disk, restarts = self._disk, self._watch.restarts()["postgres"]
        began = time.monotonic()
        refused = 0
        while (elapsed := time.monotonic() - began) < step.seconds:
            disk.fill()
            # first rows find no space, which a server survives; then its log does not, which it does not survive
            refused += self._is_refused(_WRITE if elapsed < step.seconds / 2 else _WRITE_LOG)
            self._watch.wait(0)
        disk.free()
        ended = self._watch.restarts()["postgres"] - restarts
        return f"no space for {step.seconds} s; {refused} of our own writes refused; PostgreSQL ended {ended} times"

    def _is_refused(self, statement: LiteralString) -> bool:
        try:
            with psycopg.connect(self.dsn, connect_timeout=2) as connection:
                connection.execute(statement)
        except psycopg.OperationalError:  # no space, or no server
            return True
        return False

    def _back_up(self, _step: Step) -> str:
        account = postgres_files.server_account()
        postgres_files.private_folder(self._backup, account)
        copied = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
            [
                str(self._programs / "pg_basebackup"),
                *("-d", self.dsn, "-D", str(self._backup / "cluster"), "-X", "stream", "-c", "fast", "--no-sync"),
            ],
            cwd=self._backup,
            stderr=subprocess.PIPE,
            text=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        self._watch.wait(600, lambda: copied.poll() is not None)
        _, problem = copied.communicate(timeout=1)
        if copied.returncode != 0:
            raise SetupError(f"the database's files cannot be copied: {problem.strip()}")
        return "base backup"

    def _restore(self, _step: Step) -> str:
        self._system.supervisor.hold("postgres")
        shutil.rmtree(self._cluster)
        shutil.copytree(self._backup / "cluster", self._cluster)
        account = postgres_files.server_account()
        if account:
            for path in [self._cluster, *self._cluster.rglob("*")]:
                os.chown(path, account.uid, account.gid)
        self._system.supervisor.let_go("postgres")
        return "the base backup's files put in the place of the database's"

    def _close(self, _step: Step) -> str:
        database = Database(self._system.database_url, pool_size=1)
        start, end = self._period
        period_close(database, self._system.ecosystem, start, end, datetime.now(UTC))
        database.close()
        self._frozen = self._closed_sums()
        return f"closed {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"

    def _closed_sums(self) -> list[tuple[Any, ...]] | None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return Stored(connection).frozen(*self._period)
