"""The lock between ingest and changes: ingest holds it shared, whoever changes what ingest works from exclusively.

So a change sees every batch before it booked and none half-way, and a gateway either works from the picture that a
change left or learns that its own is stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from thalweg.errors import UnknownEcosystem
from thalweg_store.database import DIRECTORY_LOCK, Database


@contextmanager
def changing(database: Database, ecosystem: str) -> Iterator[Connection]:
    """One transaction that changes what the gateways of `ecosystem` work from: raises the directory's version.

    Raises UnknownEcosystem.
    """
    with database.transaction() as connection:
        lock_exclusively(connection)
        raise_version(connection, ecosystem)
        yield connection


def raise_version(connection: Connection, ecosystem: str) -> int:
    """Make every picture of the directory stale, and return the version before; raises UnknownEcosystem.

    Needs the exclusive lock.
    """
    version = connection.scalar(_RAISE_VERSION, {"id": ecosystem})
    if version is None:
        raise UnknownEcosystem(ecosystem)
    return int(version) - 1


def lock_exclusively(connection: Connection) -> None:
    """Wait for ingest transactions to end and hold off new ones until this transaction ends."""
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": DIRECTORY_LOCK})


def lock_shared(connection: Connection) -> None:
    """Hold off changes until this transaction ends."""
    connection.execute(text("select pg_advisory_xact_lock_shared(:key)"), {"key": DIRECTORY_LOCK})


_RAISE_VERSION = text(
    "update ecosystem set directory_version = directory_version + 1 where id = :id returning directory_version"
)
