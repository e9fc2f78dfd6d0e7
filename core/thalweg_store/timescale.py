"""What is wanted of TimescaleDB where a database has it, and how it comes about.

The Alembic history is the same on every PostgreSQL and knows no extension. What TimescaleDB adds is declared here,
once, and `reconcile` compares it with what is in force: after every upgrade, and when the extension came later than
the tables. Where something is missing (the extension, a license), its part is skipped with the reason; nothing in
Thalweg needs any of it, so a part that fails is reported and undoes no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from thalweg_store import timescale_catalog as catalog
from thalweg_store import timescale_changes as changes
from thalweg_store.tables.facts import batch
from thalweg_store.timescale_catalog import Columnstore, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypertable:
    """A table that is kept in chunks of time; chunks of a certain age are compressed."""

    table: str
    time: str
    chunk: timedelta
    columnstore: Columnstore
    compress_after: timedelta
    #: age at which whole chunks are dropped, rows and all; None: never
    drop_after: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuousAggregate:
    """A sum by time that is kept up to date in the background, and completed from the facts whenever it is read."""

    name: str
    query: str
    #: what is younger is summed when it is read
    refresh_after: timedelta
    drop_after: timedelta | None


class Wanted(NamedTuple):
    """The wanted state as a whole."""

    hypertable: Hypertable
    aggregate: ContinuousAggregate


WANTED: Final = Wanted(
    hypertable=Hypertable(
        table=batch.name,
        time=batch.c.received_at.name,
        # the indexes grow at few places at a time, so a chunk may outgrow memory; few chunks keep look-ups short
        chunk=timedelta(days=7),
        columnstore=Columnstore(segment_by="device", order_by="boot,first_seq,received_at"),
        compress_after=timedelta(days=7),
        # a batch keeps its digest and seqs for ever, even without its bytes: they tell a resend from a forgery
        drop_after=None,
    ),
    # for charts of traffic only: no figure that anyone is paid by comes from here
    aggregate=ContinuousAggregate(
        name="arrivals_hourly",
        query="""
            select time_bucket(interval '1 hour', received_at) as hour, device, outcome,
                   count(*) as batches, sum("count") as events
            from batch group by 1, 2, 3
        """,
        refresh_after=timedelta(hours=1),
        drop_after=timedelta(days=1100),
    ),
)
#: a table that holds more becomes a hypertable only when somebody asks for it: its rows are moved under a lock
LARGEST_UNASKED_BYTES: Final = 1 << 30


class Result(StrEnum):
    """What became of one part of the wanted state."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"


class Step(NamedTuple):
    """One part of the wanted state and what became of it, for logs and operators."""

    subject: str
    result: Result
    #: what was changed, or why not
    detail: str


def reconcile(
    connection: Connection, *, wanted: Wanted = WANTED, largest_bytes: int | None = LARGEST_UNASKED_BYTES
) -> tuple[Step, ...]:
    """Bring about what is wanted, as far as the server goes; a second call changes nothing.

    A table of more than `largest_bytes` stays as it is; None: however large.
    """
    server = catalog.find_server(connection)
    if isinstance(server, str):
        return (Step("timescaledb", Result.SKIPPED, server),)
    return bring_about(connection, server, wanted, largest_bytes)


def bring_about(
    connection: Connection, server: Server, wanted: Wanted, largest_bytes: int | None = None
) -> tuple[Step, ...]:
    """The steps of `reconcile` on a database whose TimescaleDB is `server`."""
    table = wanted.hypertable
    catalog.use_schema(connection, server)
    connection.execute(text("set local lock_timeout = '10s'"))
    change = partial(changes.make_hypertable, connection, table.table, table.time, table.chunk, largest_bytes)
    first = _step(connection, f"{table.table}: hypertable", change)
    missing = None
    if first.result in (Result.SKIPPED, Result.FAILED):
        missing = f"{table.table} is no hypertable"
    elif server.license != "timescale":
        missing = f"not under the license {server.license!r}: needs timescaledb.license = 'timescale'"
    rest = [
        Step(subject, Result.SKIPPED, missing) if missing else _step(connection, subject, change)
        for subject, change in _licensed(connection, wanted)
    ]
    return (first, *rest)


def withdraw(connection: Connection, wanted: Wanted = WANTED) -> None:
    """Drop what hangs on the tables' columns: for a migration that changes or drops one; `reconcile` makes it again."""
    name = wanted.aggregate.name
    has_timescale = isinstance(catalog.find_server(connection), Server)
    if has_timescale and catalog.aggregate_comment(connection, name) is not None:
        changes.drop_aggregate(connection, name)


def _licensed(connection: Connection, wanted: Wanted) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """What hypertables can do under the full license, in the order in which one part needs another."""
    table, view = wanted.hypertable, wanted.aggregate
    set_job = partial(changes.set_job, connection)
    yield f"{table.table}: columnstore", partial(changes.set_columnstore, connection, table.table, table.columnstore)
    yield (
        f"{table.table}: compression",
        partial(set_job, table.table, changes.COMPRESS, {"compress_after": table.compress_after}),
    )
    yield f"{table.table}: retention", partial(set_job, table.table, changes.DROP, _drop(table.drop_after))
    yield f"{view.name}: aggregate", partial(changes.make_aggregate, connection, view.name, view.query)
    yield f"{view.name}: refresh", partial(set_job, view.name, changes.REFRESH, {"end_offset": view.refresh_after})
    yield f"{view.name}: retention", partial(set_job, view.name, changes.DROP, _drop(view.drop_after))


def _drop(after: timedelta | None) -> dict[str, timedelta] | None:
    return None if after is None else {"drop_after": after}


def _step(connection: Connection, subject: str, change: Callable[[], str | None]) -> Step:
    """One change in a savepoint of its own; what the server refuses is a failed step."""
    try:
        with connection.begin_nested():
            done = change()
    except changes.Postponed as error:
        return Step(subject, Result.SKIPPED, str(error))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return Step(subject, Result.FAILED, str(error.orig).partition("\n")[0])
    return Step(subject, Result.CHANGED, done) if done else Step(subject, Result.UNCHANGED, "")
