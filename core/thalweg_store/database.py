"""The connection to PostgreSQL: opening it, bringing its tables up to date, and translating its errors."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import alembic.command
import alembic.config
from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from thalweg.errors import SetupError, StoreError, StoreUnavailable
from thalweg_store.tables import store_life

MIGRATIONS = Path(__file__).parent / "migrations"
#: advisory lock: shared by ingest, exclusive for changes of the registry and of designs
DIRECTORY_LOCK: Final = 7_401_002
_UPGRADE_LOCK: Final = 7_401_001
_SCHEMES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


class Database:
    """A PostgreSQL database that holds (or will hold) Thalweg's tables.

    `url` is `postgresql://…`. Every transaction raises StoreUnavailable when the server cannot be reached or broke off,
    and StoreError for anything else that it refused.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        scheme = next((scheme for scheme in _SCHEMES if url.startswith(scheme)), None)
        if scheme is None:
            raise SetupError("the database URL must begin with postgresql:// (THALWEG_DATABASE_URL)")
        self._engine: Engine = create_engine(
            "postgresql+psycopg://" + url.removeprefix(scheme),
            pool_size=pool_size,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": "-c timezone=UTC", "application_name": "thalweg"},
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

    def upgrade(self) -> None:
        """Bring the tables up to date; safe to call from several processes at once."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.transaction() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_UPGRADE_LOCK})")
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
            if connection.scalar(select(store_life.c.epoch)) is None:
                connection.execute(store_life.insert().values(epoch=secrets.token_hex(8), began_at=datetime.now(UTC)))

    def store_epoch(self) -> str:
        """The name of this life of the store, as receipts carry it."""
        with self.transaction() as connection:
            return str(connection.execute(select(store_life.c.epoch)).scalar_one())

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into the two that callers tell apart."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(f"the database is away: {_first_line(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(f"the database broke off: {_first_line(error)}") from error
        raise StoreError(f"the database refused: {_first_line(error)}") from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
