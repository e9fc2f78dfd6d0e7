"""What the database says after a load: its size, and which of the acknowledged events it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

from thalweg.intervals import Intervals

_SUMS: Final = """
    select coalesce(sum(r.occurrences), 0), coalesce(sum(r.quantity), 0)
    from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter where m.name = 'energy'
"""
#: everything that the write path writes
_TABLES: Final = (
    "batch",
    "boot",
    "received",
    "lost",
    "flow",
    "rollup",
    "rollup_change",
    "pane",
    "tally",
    "rejection",
    "rejection_sample",
)


class Kept(NamedTuple):
    """How the store stands to what was acknowledged."""

    #: events that the broker acknowledged and the store lacks
    lost: int
    #: events that the sums hold more often than once
    doubled: int


class Sums(NamedTuple):
    """What the rollups of all sessions come to."""

    sessions: int
    wh: int


def kept(lost: int, expected: Sums, found: Sums) -> Kept:
    """What was lost on the way or is missing in the sums, and what these hold too often.

    Where as many are missing as are doubled, the energy tells: no two sessions are alike.
    """
    more = found.sessions - expected.sessions
    is_other = more == 0 and found.wh != expected.wh
    return Kept(lost + max(0, -more - lost) + is_other, max(0, more) + is_other)


class Stored:
    """The tables of one local system, read directly: a judge uses as little of what it judges as it can."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)

    def size_bytes(self) -> int:
        """Tables, indexes and everything that belongs to them."""
        sizes = "select sum(pg_total_relation_size(name::regclass)) from unnest(%s::text[]) as t (name)"
        return self._number(sizes, list(_TABLES))

    def sums(self) -> Sums:
        """Of all that was ever measured."""
        row = self._connection.execute(_SUMS).fetchone()
        assert row is not None
        return Sums(int(row[0]), int(row[1]))

    def lost(self, boot: int, devices: Sequence[str], acknowledged: Sequence[Sequence[int]], events: int) -> int:
        """Events that are absent of the `acknowledged` batches of each device (numbers, each of `events` events)."""
        lost = 0
        for device, batches in zip(devices, acknowledged, strict=True):
            held = self._held(device, boot)
            lost += sum(events - held.overlap(number * events, (number + 1) * events) for number in batches)
        return lost

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _held(self, device: str, boot: int) -> Intervals:
        place = "from device d join {} x on x.device = d.id where d.name = %s and x.boot = %s"
        held = Intervals()
        for (next_seq,) in self._connection.execute("select next_seq " + place.format("boot"), (device, boot)):
            if next_seq:
                held.add(0, next_seq)
        for (ranges,) in self._connection.execute("select ranges " + place.format("received"), (device, boot)):
            for part in ranges:
                held.add(part.lower, part.upper)
        return held

    def _number(self, statement: str, *parameters: object) -> int:
        row = self._connection.execute(statement.encode(), parameters).fetchone()
        assert row is not None
        return int(row[0])
