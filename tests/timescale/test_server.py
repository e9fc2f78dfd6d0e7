"""The server that lets clients take turns on TimescaleDB in WebAssembly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest

from worlds.stores import timescale_in_wasm


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with timescale_in_wasm(longest_wait_ms=3_000) as url:
        with psycopg.connect(url, prepare_threshold=None) as connection:
            connection.execute("create table item (id int primary key, name text)")
        yield url


@pytest.fixture
def connect(url: str) -> Callable[[], psycopg.Connection]:
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("truncate item")
    return partial(psycopg.connect, url, prepare_threshold=None)


def names(connection: psycopg.Connection) -> list[str]:
    found = [name for (name,) in connection.execute("select name from item order by id")]
    connection.rollback()
    return found


@pytest.mark.slow
@pytest.mark.timescale
@pytest.mark.parametrize("how", ["", "(format binary)"])
def test_rows_are_copied_and_a_refused_copy_leaves_the_connection_usable(
    connect: Callable[[], psycopg.Connection], how: str
) -> None:
    with connect() as connection:

        def copy(table: str) -> None:
            with connection.cursor().copy(f"copy {table} (id, name) from stdin {how}") as rows:
                rows.set_types(["int4", "text"])
                for number in range(3):
                    rows.write_row((number, f"name {number}"))

        copy("item")
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            copy("item")
        connection.rollback()
        with pytest.raises(psycopg.errors.UndefinedTable):
            copy("nothing")
        connection.rollback()
        assert names(connection) == ["name 0", "name 1", "name 2"]


@pytest.mark.slow
@pytest.mark.timescale
def test_a_transaction_waits_until_the_one_before_it_ends(connect: Callable[[], psycopg.Connection]) -> None:
    with connect() as first, connect() as second, ThreadPoolExecutor() as threads:
        first.execute("insert into item values (1, 'first')")
        waiting = threads.submit(names, second)
        first.execute("insert into item values (2, 'also first')")
        assert not waiting.done()
        first.commit()
        assert waiting.result() == ["first", "also first"]


@pytest.mark.slow
@pytest.mark.timescale
def test_who_waits_for_a_transaction_that_stays_open_is_told_so(connect: Callable[[], psycopg.Connection]) -> None:
    with connect() as first, connect() as second:
        first.execute("insert into item values (1, 'first')")
        with pytest.raises(psycopg.OperationalError, match="runs one at a time"):
            second.execute("select 1")
        first.commit()
        assert names(first) == ["first"]


@pytest.mark.slow
@pytest.mark.timescale
def test_who_leaves_takes_his_open_transaction_and_his_settings_with_him(
    connect: Callable[[], psycopg.Connection],
) -> None:
    leaving = connect()
    leaving.execute("set lock_timeout = '7s'")
    leaving.commit()
    leaving.execute("insert into item values (1, 'lost')")
    leaving.close()
    with connect() as staying:
        assert names(staying) == []
        assert staying.execute("show lock_timeout").fetchone() == ("0",)


@pytest.mark.slow
@pytest.mark.timescale
def test_after_an_error_the_rest_of_a_pipeline_is_left_out(connect: Callable[[], psycopg.Connection]) -> None:
    with connect() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.cursor().executemany("insert into item values (%s, %s)", [(1, "a"), (1, "b"), (2, "c")])
        connection.rollback()
        assert names(connection) == []


@pytest.mark.parametrize("folder", ["dashboards", "tests/timescale"])
def test_a_lock_file_pins_every_package_by_hash_and_names_no_registry(repository: Path, folder: str) -> None:
    packages = json.loads((repository / folder / "package-lock.json").read_text())["packages"]
    locked = {path: package for path, package in packages.items() if path}
    assert locked
    for path, package in locked.items():
        assert package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package, path
