"""What a transaction sees, so that what one has read can be given to another that sees the same of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

#: what `Snapshot.of_row` takes, for queries that ask for more
COLUMNS: Final = """
    pg_postmaster_start_time() as server, pg_current_snapshot()::text as name, pg_is_in_recovery() as is_standby
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a transaction sees: every transaction below `xmax` that was not under way, in one life of one server."""

    server: datetime
    name: str
    xmax: int
    under_way: frozenset[int]

    @classmethod
    def of(cls, connection: Connection) -> Snapshot | None:
        """That of a connection's transaction; None on a standby, whose snapshots do not say what is under way."""
        return cls.of_row(connection.execute(_SNAPSHOT).one())

    @classmethod
    def of_row(cls, row: Row[Any]) -> Snapshot | None:
        """The same from a row with `COLUMNS`."""
        if row.is_standby:
            return None
        _, xmax, under_way = row.name.split(":")
        return cls(row.server, row.name, int(xmax), frozenset(map(int, filter(None, under_way.split(",")))))

    def includes(self, other: Snapshot) -> bool:
        """Whether it sees all that the other one of the same server sees."""
        return self.xmax > other.xmax or (self.xmax == other.xmax and self.under_way <= other.under_way)


_SNAPSHOT = text(f"select {COLUMNS}")
