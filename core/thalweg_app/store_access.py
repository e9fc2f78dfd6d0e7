"""Which store an operator's command works on: the database that the environment names, or a running local system's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, SecretStr

from thalweg.errors import SetupError
from thalweg_app import postgres_files
from thalweg_app.local_secrets import FILE_NAME, LocalSecrets
from thalweg_gateway.settings import parse_root_key
from thalweg_store.database import Database
from thalweg_store.registry import Registry
from thalweg_store.settings import StoreSettings

_SOCKET_FOLDER_LINE = 4  # of postmaster.pid


class _KeySettings(StoreSettings):
    root_key: SecretStr = Field(description="64 hex digits or more")


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and the ecosystem that is meant."""

    database: Database
    #: folder of the local system; None when the environment names the database
    data: Path | None
    #: the ecosystem asked for, if any
    named: str | None

    @property
    def registry(self) -> Registry:
        """Changes of the registry."""
        return Registry(self.database)

    @property
    def ecosystem(self) -> str:
        """The ecosystem asked for, or that of THALWEG_ECOSYSTEM, or the only one; raises SetupError without any."""
        if named := self.named or os.environ.get("THALWEG_ECOSYSTEM"):
            return named
        ecosystems = self.registry.ecosystems()
        if len(ecosystems) != 1:
            found = ", ".join(ecosystems) or "none"
            raise SetupError(f"say with --ecosystem which one is meant; registered here: {found}")
        return ecosystems[0]

    def root_key(self) -> bytes:
        """The ecosystem's root key; raises SetupError when it is not at hand."""
        if self.data is not None:
            if not (self.data / FILE_NAME).exists():
                raise SetupError(f"{self.data} holds no {FILE_NAME}: is it the folder of a local system?")
            return LocalSecrets(self.data).root_key
        try:
            return parse_root_key(_KeySettings.from_environment().root_key.get_secret_value())
        except ValueError as error:
            raise SetupError(f"THALWEG_ROOT_KEY: {error}") from None


@contextmanager
def open_store(data: Path | None, ecosystem: str | None) -> Iterator[OpenStore]:
    """The store of the local system in `data`, or that of THALWEG_DATABASE_URL; raises SetupError."""
    url = running_url(data) if data is not None else StoreSettings.from_environment().database_url.get_secret_value()
    database = Database(url, pool_size=1)
    try:
        yield OpenStore(database, data, ecosystem)
    finally:
        database.close()


def running_url(data: Path) -> str:
    """The URL of the PostgreSQL server that the local system in `data` runs; raises SetupError unless it runs."""
    folder = (data / "postgres").absolute()
    try:
        home = postgres_files.home_for(folder, postgres_files.server_account())
        lines = (home / "cluster" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        sockets = lines[_SOCKET_FOLDER_LINE].strip()
    except (OSError, IndexError):
        raise SetupError(f"no database runs for {data}: start its system first, or set THALWEG_DATABASE_URL") from None
    return f"postgresql://thalweg@/postgres?host={quote(sockets, safe='')}"
