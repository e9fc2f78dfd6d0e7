"""What the database says after a load: its size, and which of the acknowledged events it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

from thalweg.intervals import Intervals

#: everything that the write path writes
_TABLES: Final = (
    "batch",
    "boot",
    "received",
    "lost",
    "flow",
    "rollup",
    "pane",
    "tally",
    "rejection",
    "rejection_sample",
)


class Kept(NamedTuple):
    """How the store stands to what was acknowledged."""

    #: events that the broker acknowledged and the store lacks
    lost: int
    #: events that are counted more often than they were received
    doubled: int


class Stored:
    """The tables of one local system, read directly: a judge uses as little of what it judges as it can."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)

    def size_bytes(self) -> int:
        """Tables, indexes and everything that belongs to them."""
        sizes = "select sum(pg_total_relation_size(name::regclass)) from unnest(%s::text[]) as t (name)"
        return self._number(sizes, list(_TABLES))

    def kept(self, boot: int, devices: Sequence[str], acknowledged: Sequence[Sequence[int]], events: int) -> Kept:
        """Of each device the `acknowledged` batches (numbers, each of `events` events) of a boot, against the store."""
        lost = 0
        for device, batches in zip(devices, acknowledged, strict=True):
            held = self._held(device, boot)
            lost += sum(events - held.overlap(number * events, (number + 1) * events) for number in batches)
        counted = self._number("select coalesce(sum(events), 0) from tally")
        received = self._number("select coalesce(sum(received), 0) from boot")
        return Kept(lost, counted - received)

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
