"""Closed periods: a close freezes a period's rollups, and what comes later for it goes to the next revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from thalweg.errors import StoreError
from thalweg_store.database import Database
from thalweg_store.directory_lock import changing
from thalweg_store.facts import quarter_hour


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """[start, end) as it was closed; both lie on quarter hours UTC."""

    start: datetime
    end: datetime
    #: the revision that the close froze: 0 for the first
    revision: int
    closed_at: datetime


class Closures:
    """Every close of one ecosystem."""

    def __init__(self, closed: Sequence[ClosedPeriod] = ()) -> None:
        self._closed = tuple(closed)

    def __iter__(self) -> Iterator[ClosedPeriod]:
        """By period, and of one period in the order of its revisions."""
        return iter(self._closed)

    def revision_at(self, bucket: datetime) -> int:
        """The revision that takes what comes now for `bucket`: how often it was closed (`REVISION_AT` in SQL)."""
        return sum(each.start <= bucket < each.end for each in self._closed)

    def overlapping(self, start: datetime, end: datetime) -> list[ClosedPeriod]:
        """The closes that touch [start, end)."""
        return [each for each in self._closed if each.start < end and start < each.end]


def read_closures(connection: Connection, ecosystem: str) -> Closures:
    """Every close of `ecosystem`."""
    rows = connection.execute(_CLOSED, {"ecosystem": ecosystem})
    return Closures([ClosedPeriod(*row) for row in rows])


def period_close(database: Database, ecosystem: str, start: datetime, end: datetime, now: datetime) -> int:
    """Close [start, end) and return the revision that this froze; closing it again freezes what came since.

    Raises StoreError for a period that is empty, is not over, lies off the quarter hours, or overlaps another closed
    one in part, and UnknownEcosystem.
    """
    if start >= end or quarter_hour(start) != start or quarter_hour(end) != end:
        raise StoreError(f"a period to close goes from one quarter hour UTC to a later one, not {start} to {end}")
    if end > now:
        raise StoreError(f"the period ends at {end}, which is still to come: close it when it is over")
    with changing(database, ecosystem) as connection:
        before = read_closures(connection, ecosystem).overlapping(start, end)
        for each in before:
            if (each.start, each.end) != (start, end):
                raise StoreError(f"{each.start} to {each.end} is closed: a period cannot overlap it in part")
        parameters = {"ecosystem": ecosystem, "start": start, "end": end, "revision": len(before), "now": now}
        connection.execute(_CLOSE, parameters)
        return len(before)


#: `Closures.revision_at` for the column `bucket` and the parameter `ecosystem`
REVISION_AT: Final = """(
    select count(*) from closed_period c where c.ecosystem = :ecosystem and c.start <= bucket and bucket < c."end"
)"""

_CLOSED = text("""
    select start, "end", revision, closed_at from closed_period where ecosystem = :ecosystem order by start, revision
""")

_CLOSE = text("""
    insert into closed_period (ecosystem, start, "end", revision, closed_at)
    values (:ecosystem, :start, :end, :revision, :now)
""")
