"""Servers and small worlds that several packages' tests share."""

from __future__ import annotations

import itertools
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from thalweg_app.postgres import EmbeddedPostgres
from thalweg_store.database import Database

# speed is measured in benchmarks, so no property has a deadline; `make check` looks at fewer examples of each
settings.register_profile("full", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15)
settings.load_profile("full")

_TEMPLATE = "template_thalweg"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server with an empty, migrated template database; fsync is off, no test here cuts the power."""
    with (
        tempfile.TemporaryDirectory(prefix="thalweg-", ignore_cleanup_errors=True) as name,
        EmbeddedPostgres(_open_to_all(Path(name)), {"fsync": "off", "full_page_writes": "off"}) as server,
    ):
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(f"create database {_TEMPLATE}")
        template = Database(server.url.replace("/postgres?", f"/{_TEMPLATE}?"))
        template.upgrade()
        template.close()
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"test_{next(_numbers)}_{secrets.token_hex(3)}"
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(f"create database {name} template {_TEMPLATE}")
    yield postgres_server.url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database."""
    opened = Database(database_url)
    yield opened
    opened.close()


def _open_to_all(folder: Path) -> Path:
    """Run by root, the server has an account of its own, which must reach its folder."""
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).parents[1]
