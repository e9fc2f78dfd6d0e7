"""What TimescaleDB a database has, and which of its features are in force there.

Read from the extension's documented views only. `timescale.py` says what is wanted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

#: since when the columnstore has the names that are used here
OLDEST: Final = (2, 18)
_OLDEST_TEXT: Final = ".".join(map(str, OLDEST))


@dataclass(frozen=True, slots=True)
class Server:
    """The TimescaleDB of a database."""

    version: str
    #: schema of its functions
    schema: str
    #: `timescale` (everything) or `apache` (hypertables only)
    license: str

    @property
    def is_current(self) -> bool:
        """Whether it knows every name that is used here."""
        major, minor, *_ = self.version.split(".")
        return (int(major), int(minor)) >= OLDEST


class Columnstore(NamedTuple):
    """By which columns compressed rows are grouped and ordered: names with commas between."""

    segment_by: str
    order_by: str


def find_server(connection: Connection) -> Server | str:
    """The server's TimescaleDB, or why there is none to work with."""
    row = connection.execute(_SERVER).one()
    if row.available is None:
        return "plain PostgreSQL: TimescaleDB is not installed on this server"
    if row.version is None:
        return "TimescaleDB is installed, but not in this database: create extension timescaledb"
    server = Server(row.version, row.schema, row.license or "apache")
    if not server.is_current:
        return f"TimescaleDB {server.version} is older than {_OLDEST_TEXT}: alter extension timescaledb update"
    return server


def use_schema(connection: Connection, server: Server) -> None:
    """Let the extension's functions be found for the rest of the transaction, wherever they were installed."""
    connection.execute(_USE_SCHEMA, {"schema": server.schema})


def chunk_interval(connection: Connection, table: str) -> timedelta | None:
    """The time that a chunk of `table` spans; None while it is no hypertable."""
    interval: timedelta | None = connection.scalar(_CHUNK_INTERVAL, {"table": table})
    return interval


def columnstore(connection: Connection, table: str) -> Columnstore | None:
    """The columnstore's settings of a hypertable; None while it has none."""
    row = connection.execute(_COLUMNSTORE, {"table": table}).first()
    return None if row is None else Columnstore(row.segmentby or "", row.orderby or "")


def job(connection: Connection, relation: str, procedure: str) -> Mapping[str, timedelta] | None:
    """The ages that the job of a hypertable or aggregate which runs `procedure` is set to; None without such a job."""
    config = connection.scalar(_JOB, {"relation": relation, "procedure": procedure})
    if config is None:
        return None
    ages = connection.execute(_AGES, {"config": json.dumps(config)})
    return {row.name: row.age for row in ages}


def aggregate_comment(connection: Connection, view: str) -> str | None:
    """The comment on a continuous aggregate, empty without one; None while there is no such aggregate."""
    comment: str | None = connection.scalar(_AGGREGATE_COMMENT, {"view": view})
    return comment


def has_relation(connection: Connection, name: str) -> bool:
    """Whether there is a table or view of that name; asks nothing of TimescaleDB."""
    return connection.scalar(text("select to_regclass(:name)"), {"name": name}) is not None


def bytes_of(connection: Connection, table: str) -> int:
    """The size of a plain table on disk with its indexes."""
    return int(connection.execute(_BYTES, {"table": table}).scalar_one())


_SERVER: Final = text("""
    select (select default_version from pg_available_extensions where name = 'timescaledb') as available,
           e.extversion as version, n.nspname as schema, current_setting('timescaledb.license', true) as license
    from (values (0)) as one
    left join pg_extension e on e.extname = 'timescaledb' left join pg_namespace n on n.oid = e.extnamespace
""")

_USE_SCHEMA: Final = text("""
    select set_config('search_path', current_setting('search_path') || ', ' || quote_ident(:schema), true)
""")

_CHUNK_INTERVAL: Final = text("""
    select time_interval from timescaledb_information.dimensions
    where hypertable_schema = current_schema() and hypertable_name = :table and dimension_number = 1
""")

_COLUMNSTORE: Final = text("""
    select segmentby, orderby from timescaledb_information.hypertable_columnstore_settings
    where hypertable = to_regclass(:table)
""")

_JOB: Final = text("""
    select config from timescaledb_information.jobs
    where hypertable_schema = current_schema() and hypertable_name = :relation and proc_name = :procedure
""")

_AGES: Final = text("""
    select key as name, cast(value as interval) as age from jsonb_each_text(cast(:config as jsonb))
    where key in ('compress_after', 'drop_after', 'start_offset', 'end_offset') and value is not null
""")

_AGGREGATE_COMMENT: Final = text("""
    select coalesce(obj_description(to_regclass(:view), 'pg_class'), '')
    from timescaledb_information.continuous_aggregates
    where view_schema = current_schema() and view_name = :view
""")

_BYTES: Final = text("select pg_total_relation_size(to_regclass(:table))")
