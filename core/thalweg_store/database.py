"""The connection to PostgreSQL: opening it, bringing its tables up to date, and translating its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from thalweg.errors import SetupError, StoreError, StoreUnavailable
from thalweg_store import timescale
from thalweg_store.epoch import new_epoch, present_epoch
from thalweg_store.remembered import Remembered

MIGRATIONS = Path(__file__).parent / "migrations"
#: advisory lock: shared by ingest, exclusive for changes of the registry and of designs
DIRECTORY_LOCK: Final = 7_401_002
_UPGRADE_LOCK: Final = 7_401_001
#: rows of compressed batches may be changed in any number (plain PostgreSQL knows no such setting and takes it)
_OPTIONS: Final = "-c timezone=UTC -c timescaledb.max_tuples_decompressed_per_dml_transaction=0"
#: class of SQLSTATE: a value exceeds what the server can hold
_LIMIT_EXCEEDED: Final = "54"
_SCHEMES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


class Database:
    """A PostgreSQL database that holds (or will hold) Thalweg's tables.

    `url` is `postgresql://…`. Every transaction raises StoreUnavailable when the server cannot be reached or broke off,
    and StoreError for anything else that it refused. Statements are prepared on the server when they come for the
    `prepare_threshold`-th time; None: never, for servers and poolers whose connections share one session.
    """

    def __init__(self, url: str, *, pool_size: int = 5, prepare_threshold: int | None = 5) -> None:
        scheme = next((scheme for scheme in _SCHEMES if url.startswith(scheme)), None)
        if scheme is None:
            raise SetupError("the database URL must begin with postgresql:// (THALWEG_DATABASE_URL)")
        #: what readers need not read again
        self.remembered = Remembered()
        self._engine: Engine = create_engine(
            "postgresql+psycopg://" + url.removeprefix(scheme),
            pool_size=pool_size,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "options": _OPTIONS,
                "application_name": "thalweg",
                "prepare_threshold": prepare_threshold,
            },
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One read-write transaction: committed at the end of the block, rolled back when it raises."""
        with translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One read-only transaction in which every query sees the same committed state."""
        with translated(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def upgrade(self) -> tuple[timescale.Step, ...]:
        """Bring the tables up to date; safe to call from several processes at once. Gives what `reconcile` gives."""
        import alembic.command  # noqa: PLC0415 - slow to import, and most processes never migrate
        import alembic.config  # noqa: PLC0415

        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.transaction() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_UPGRADE_LOCK})")
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
            present_epoch(connection)
        return self.reconcile(timescale.LARGEST_UNASKED_BYTES)

    def reconcile(self, largest_bytes: int | None = None) -> tuple[timescale.Step, ...]:
        """Use what TimescaleDB the server has, and tell what was done; a larger table than `largest_bytes` is left."""
        with self.transaction() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_UPGRADE_LOCK})")
            return timescale.reconcile(connection, largest_bytes=largest_bytes)

    def store_epoch(self) -> str:
        """The name of this life of the store, as receipts carry it; a restored backup begins a new one."""
        with self.transaction() as connection:
            return present_epoch(connection)

    def begin_epoch(self) -> str:
        """Begin a new epoch, as after a restored backup that nothing else tells, and return its name."""
        with self.transaction() as connection:
            return new_epoch(connection)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of the driver, also of what is done with it directly, into the two that callers tell apart."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        raise _translation(error) from error


def _translation(error: DBAPIError | psycopg.Error) -> StoreError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    words = str(cause).partition("\n")[0]
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return StoreUnavailable(f"the database broke off: {words}")
    # a row that is too long for an index is among the driver's passing troubles, and does not pass
    is_too_large = str(getattr(cause, "sqlstate", None)).startswith(_LIMIT_EXCEEDED)
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and not is_too_large:
        return StoreUnavailable(f"the database is away: {words}")
    return StoreError(f"the database refused: {words}")
