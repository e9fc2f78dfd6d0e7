"""A PostgreSQL server of our own: its files in one folder, reached by a socket that only its owner may open.

It needs no set-up and no root, listens on no network, recovers after kill -9, and ends with the process that
started it. Durability is PostgreSQL's own: a committed transaction is on the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from thalweg.errors import SetupError
from thalweg_app import postgres_files
from thalweg_app.folder_claim import FolderClaim, can_look, processes_in
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor
from thalweg_edge.lifeline import tied_to_parent

_USER: Final = "thalweg"
_DATABASE: Final = "postgres"
#: fit for a small machine that shares its memory with the rest of the system
SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One server on one folder.

    Under a supervisor: ``supervisor.start(server.prepare())``. By itself, for example in tests, it is a context
    manager: ``with EmbeddedPostgres(folder) as server: psycopg.connect(server.dsn)``.
    """

    def __init__(self, state_folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` of the server are added to `SETTINGS`; the folder is made when there is none."""
        self._folder = state_folder.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._account = postgres_files.server_account()
        self._claim: FolderClaim | None = None
        self._supervisor = Supervisor()
        self._socket_folder: Path | None = None
        self._cluster = self._folder / "cluster"

    @property
    def dsn(self) -> str:
        """The connection string for psycopg, in keyword form."""
        return make_conninfo(host=str(self._sockets), user=_USER, dbname=_DATABASE)

    @property
    def url(self) -> str:
        """The same as a URL for SQLAlchemy with psycopg 3."""
        return f"postgresql+psycopg://{_USER}@/{_DATABASE}?host={quote(str(self._sockets), safe='')}"

    def prepare(self) -> Program:
        """Claims the folder, makes the database cluster if there is none, and gives the program to run.

        Raises SetupError when another process uses the folder, or when something that PostgreSQL needs is missing.
        """
        self._claim = FolderClaim(self._folder)
        home = postgres_files.home_for(self._folder, self._account)
        binaries = postgres_files.binaries_for(self._account, postgres_files.find_binaries(), home)
        self._socket_folder = postgres_files.socket_folder(home, self._account)
        self._cluster = home / "cluster"
        if not self._cluster.exists():
            self._make_cluster(binaries, home)
        settings = {
            **self._settings,
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
        }
        return Program(
            name="postgres",
            command=(
                str(binaries / "postgres"),
                *("-D", str(self._cluster)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ),
            environment=_environment(),
            folder=home,
            account=self._account,
            log=self._folder / "postgres.log",
            may_start=self._has_no_leftovers,
            is_ready=self._answers,
            stop_signals=(signal.SIGINT, signal.SIGQUIT),  # fast, then immediate shutdown
            stop_ms=20_000,
            orphan_signal=signal.SIGINT,
            reload_signal=signal.SIGHUP,
        )

    def release(self) -> None:
        """Gives the folder back after the server has stopped."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def __enter__(self) -> Self:
        try:
            self._supervisor.start(self.prepare())
        except SetupError:
            self.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._supervisor.stop()
        self.release()

    @property
    def _sockets(self) -> Path:
        if self._socket_folder is None:
            raise RuntimeError("the address of the server is known after prepare()")
        return self._socket_folder

    def _make_cluster(self, binaries: Path, home: Path) -> None:
        """Runs initdb beside the final place and renames, so that an interrupted one leaves no half cluster."""
        unfinished = home / "cluster-new"
        shutil.rmtree(unfinished, ignore_errors=True)
        postgres_files.private_folder(unfinished, self._account)
        made = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [
                *(str(binaries / "initdb"), "-D", str(unfinished), "-U", _USER, "-A", "trust", "-k"),
                *("-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            env=_environment(),
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
            preexec_fn=tied_to_parent(signal.SIGKILL),  # started from the main thread
            check=False,
        )
        if made.returncode != 0:
            raise SetupError(f"PostgreSQL cannot make its files in {home}: {made.stderr.strip()}")
        unfinished.rename(self._cluster)

    def _has_no_leftovers(self) -> bool:
        """Whether no process of an earlier run is left; asks those that are to stop.

        The claim makes us the folder's only owner, so they belong to a dead one: a server that has not heard of its
        owner's end, or sessions whose server was killed and whose shared memory would stop a new server.
        """
        if not can_look():
            return True  # the server itself then judges by the id in its file
        process_id_file = self._cluster / "postmaster.pid"
        left = processes_in(self._cluster.resolve(), "postgres")
        if not left:  # the ids in these files may by now name processes that have nothing to do with it
            process_id_file.unlink(missing_ok=True)
            for stale in self._sockets.glob(".s.PGSQL.*"):
                stale.unlink()
            return True
        server = _first_number(process_id_file)
        for process_id in [server] if server in left else left:
            os.kill(process_id, signal.SIGINT if process_id == server else signal.SIGTERM)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:  # not yet there, or still recovering
            return False
        return True


def _first_number(process_id_file: Path) -> int:
    """The server's own process id; 0 where the file is gone, or empty because the server died while it wrote it."""
    try:
        return int(process_id_file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return 0


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
