"""The single changes that bring TimescaleDB's features about: each looks first and does nothing where all is as wanted.

Every function returns what it did in words, None when there was nothing to do, and raises `Postponed` when it should
not be done now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, TextClause, text

from thalweg_store import timescale_catalog as catalog
from thalweg_store.timescale_catalog import Columnstore


class Postponed(Exception):
    """A change that was left for another time; says how to have it."""


class JobKind(NamedTuple):
    """One of TimescaleDB's background jobs: its procedure, and how it is added and removed."""

    procedure: str
    add: TextClause
    remove: TextClause


COMPRESS: Final = JobKind(
    "policy_compression",
    text("call add_columnstore_policy(cast(:relation as regclass), after => cast(:compress_after as interval))"),
    text("call remove_columnstore_policy(cast(:relation as regclass))"),
)
DROP: Final = JobKind(
    "policy_retention",
    text("select add_retention_policy(cast(:relation as regclass), drop_after => cast(:drop_after as interval))"),
    text("select remove_retention_policy(cast(:relation as regclass))"),
)
REFRESH: Final = JobKind(
    "policy_refresh_continuous_aggregate",
    text("""
        select add_continuous_aggregate_policy(cast(:relation as regclass), start_offset => cast(null as interval),
            end_offset => cast(:end_offset as interval), schedule_interval => cast(:end_offset as interval) / 2)
    """),
    text("select remove_continuous_aggregate_policy(cast(:relation as regclass))"),
)


def make_hypertable(
    connection: Connection, table: str, time: str, chunk: timedelta, largest_bytes: int | None
) -> str | None:
    """Keep `table` in chunks of `chunk` by the column `time`; more than `largest_bytes` of rows are not moved."""
    present = catalog.chunk_interval(connection, table)
    if present is None:
        size_bytes = catalog.bytes_of(connection, table)
        if largest_bytes is not None and size_bytes > largest_bytes:
            raise Postponed(f"{size_bytes} bytes must be moved, and ingest waits meanwhile: thalweg database reconcile")
        connection.execute(_MAKE_HYPERTABLE, {"table": table, "time": time, "chunk": chunk})
        return f"chunks of {chunk}; {size_bytes} bytes moved"
    if present != chunk:
        connection.execute(_SET_CHUNK, {"table": table, "chunk": chunk})
        return f"new chunks of {chunk}, not {present}"
    return None


def set_columnstore(connection: Connection, table: str, wanted: Columnstore) -> str | None:
    """Let the chunks of `table` be compressed as `wanted`; chunks that are compressed already stay as they are."""
    if catalog.columnstore(connection, table) == wanted:
        return None
    connection.exec_driver_sql(
        f"alter table {table} set (timescaledb.enable_columnstore, "
        f"timescaledb.segmentby = '{wanted.segment_by}', timescaledb.orderby = '{wanted.order_by}')"
    )
    return f"by {wanted.segment_by}, ordered by {wanted.order_by}"


def set_job(connection: Connection, relation: str, kind: JobKind, ages: Mapping[str, timedelta] | None) -> str | None:
    """Have a job of `kind` on a hypertable or aggregate with `ages`; None: have none."""
    present = catalog.job(connection, relation, kind.procedure)
    if present == ages:
        return None
    if present is not None:
        connection.execute(kind.remove, {"relation": relation})
    if ages is not None:
        connection.execute(kind.add, {"relation": relation, **ages})
    return f"{_words(ages)}; was {_words(present)}"


def make_aggregate(connection: Connection, name: str, query: str) -> str | None:
    """Have a continuous aggregate of `query`; one with another definition is replaced and filled anew."""
    fingerprint = hashlib.sha256(query.encode()).hexdigest()[:16]
    present = catalog.aggregate_comment(connection, name)
    if present == fingerprint:
        return None
    if present is not None:
        drop_aggregate(connection, name)
    connection.exec_driver_sql(
        f"create materialized view {name} with (timescaledb.continuous, timescaledb.materialized_only = false) "
        f"as {query} with no data"
    )
    connection.exec_driver_sql(f"comment on view {name} is '{fingerprint}'")
    return "made" if present is None else "made anew: its definition has changed"


def drop_aggregate(connection: Connection, name: str) -> None:
    """Drop a continuous aggregate with its jobs."""
    connection.exec_driver_sql(f"drop materialized view {name}")


def _words(ages: Mapping[str, timedelta] | None) -> str:
    return "none" if ages is None else ", ".join(f"{name} {age}" for name, age in ages.items())


_MAKE_HYPERTABLE: Final = text("""
    select create_hypertable(cast(:table as regclass), by_range(cast(:time as name), cast(:chunk as interval)),
        create_default_indexes => false, migrate_data => true)
""")

_SET_CHUNK: Final = text("select set_chunk_time_interval(cast(:table as regclass), cast(:chunk as interval))")
