"""Servers and small worlds that several packages' tests share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from thalweg_app.postgres import EmbeddedPostgres
from thalweg_store.database import Database
from worlds.stores import SERVER_URL, Store, create_extension, drop_tables, new_database, timescale_in_wasm

# speed is measured in benchmarks, so no property has a deadline; `make check` looks at fewer examples of each
settings.register_profile("full", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=5)
settings.load_profile("full")

_TEMPLATE = "template_thalweg"
#: what runs on every store: the store's own suite, and the gateway's pipeline, which works right on it
_ON_EVERY_STORE = ("tests/thalweg_store/", "tests/thalweg_gateway/test_pipeline.py")
_TIMESCALE = (pytest.mark.timescale, pytest.mark.slow)


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests on a database on every store that concerns them."""
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", _stores(metafunc.definition), ids=str)


def _stores(test: pytest.Item) -> list[Any]:
    """Plain PostgreSQL, and for the suites of the store itself TimescaleDB too.

    A test marked `timescale` runs there only; one marked `overlapping_transactions` not on the one in WebAssembly,
    which runs one transaction at a time.
    """
    plain, wasm, server = Store.PLAIN, *(pytest.param(each, marks=_TIMESCALE) for each in (Store.WASM, Store.SERVER))
    is_about_stores = test.nodeid.startswith(_ON_EVERY_STORE)
    needs_timescale = test.get_closest_marker("timescale") is not None
    stores: list[Any] = [] if needs_timescale else [plain]
    if is_about_stores and test.get_closest_marker("overlapping_transactions") is None:
        stores.append(wasm)
    if is_about_stores and SERVER_URL:
        stores.append(server)
    return stores


@pytest.fixture(scope="session")
def timescale_wasm_url() -> Iterator[str]:
    """The URL of a TimescaleDB in WebAssembly; it has one database."""
    with timescale_in_wasm() as url:
        create_extension(url)
        yield url


@pytest.fixture
def database_url(store: Store, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    if store is Store.PLAIN:
        with new_database(request.getfixturevalue("postgres_server").url, template=_TEMPLATE) as url:
            yield url
    elif store is Store.SERVER:
        with new_database(SERVER_URL, extension="timescaledb") as url:
            _upgrade(store, url)
            yield url
    else:
        url = request.getfixturevalue("timescale_wasm_url")
        drop_tables(url)
        _upgrade(store, url)
        yield url


@pytest.fixture
def open_database(store: Store, database_url: str) -> Iterator[Callable[[], Database]]:
    """Opens the fresh, migrated database, as often as it is called."""
    opened: list[Database] = []

    def open_one() -> Database:
        opened.append(store.open(database_url))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def database(open_database: Callable[[], Database]) -> Database:
    """A fresh, migrated database."""
    return open_database()


def _upgrade(store: Store, url: str) -> None:
    database = store.open(url)
    database.upgrade()
    database.close()


def _open_to_all(folder: Path) -> Path:
    """Run by root, the server has an account of its own, which must reach its folder."""
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).parents[1]
