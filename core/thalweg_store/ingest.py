"""The ingest transaction: what devices sent becomes facts, exactly once.

One transaction takes the row locks of the boots concerned, decides which batches are new, and books batches, ranges,
rollups, tallies and rejections together. Its effects are therefore all there or not at all, and a message that the
transport delivers again finds its range taken and changes nothing.

Several gateways may run it at once: rows are always locked and written in the order of their keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from psycopg import Connection as DriverConnection
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range
from sqlalchemy import Connection, text

from thalweg.intervals import Intervals
from thalweg_store.database import DIRECTORY_LOCK, Database, translated
from thalweg_store.rejections import Rejection, book_rejections

PANE_HOURS: Final = 2


class Outcome(StrEnum):
    """What became of an authenticated batch."""

    BOOKED = "booked"
    PARKED = "parked"  #: its boot has no clock yet
    CONFLICT = "conflict"  #: it claims seqs that another batch holds
    UNDECODABLE = "undecodable"  #: authentic, but its inside does not follow the format


class Fate(StrEnum):
    """What became of one received event."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    REJECTED = "rejected"
    PARKED = "parked"
    UNDECODABLE = "undecodable"


class BootKey(NamedTuple):
    """One start of one device (its number in the registry)."""

    device: int
    boot: int


class FlowKey(NamedTuple):
    """Where a measured quantity is summed."""

    meter: int
    assignment: int
    group: tuple[str, ...]


class TallyKey(NamedTuple):
    """Where received events are counted; `bucket` is a quarter hour UTC."""

    device: int
    bucket: datetime
    kind: str
    fate: Fate


@dataclass(slots=True)
class Total:
    """A sum of integer quantities and the number of its parts."""

    quantity: int = 0
    occurrences: int = 0

    def add(self, quantity: int, occurrences: int = 1) -> None:
        """Add `occurrences` parts that make `quantity` together."""
        self.quantity += quantity
        self.occurrences += occurrences


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedBatch:
    """An authenticated batch, as the gateway took it."""

    key: BootKey
    first_seq: int
    count: int
    digest: bytes
    payload: bytes
    received_at: datetime

    @property
    def end_seq(self) -> int:
        """The seq behind the last event."""
        return self.first_seq + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardState:
    """A birth or last will, as the gateway took it."""

    key: BootKey
    is_on: bool
    next_seq: int
    #: the boot before and the seq behind its last sealed event
    previous: tuple[int, int] | None
    details: Mapping[str, Any]
    heard_at: datetime


class Admission(NamedTuple):
    """How a batch stands to what was received before."""

    #: its bytes are not in the store yet
    is_new: bool
    #: some of its seqs belong to another batch
    is_conflict: bool
    #: seqs that it adds
    added: int


@dataclass(frozen=True, slots=True)
class BookedBatch:
    """A new batch with what became of it."""

    batch: ReceivedBatch
    outcome: Outcome
    #: time of its last event; None while its boot has no clock
    last_at: datetime | None


class IngestTransaction:
    """The write side of one transaction; see the module for its promises."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self._connection = connection
        self._instance = instance
        self._ranges: dict[BootKey, Intervals] = {}
        self._numbered: dict[BootKey, int] = {}
        self._duplicates: dict[BootKey, int] = {}

    def directory_version(self, ecosystem: str) -> int:
        """The version of the ecosystem's registry; holds off changes to it until this transaction ends."""
        self._connection.execute(text("select pg_advisory_xact_lock_shared(:key)"), {"key": DIRECTORY_LOCK})
        return int(self._connection.execute(_DIRECTORY_VERSION, {"ecosystem": ecosystem}).scalar_one())

    def lock(self, boots: Iterable[BootKey]) -> None:
        """Lock the received ranges of `boots`, in key order; must come before `admit` and `ranges`."""
        keys = sorted(set(boots))
        parameters = {"devices": [key.device for key in keys], "boots": [key.boot for key in keys]}
        self._connection.execute(_ENSURE_RECEIVED, parameters)
        for device, boot, ranges, numbered in self._connection.execute(_LOCK_RECEIVED, parameters):
            key = BootKey(device, boot)
            self._ranges[key] = Intervals((part.lower, part.upper) for part in ranges)
            self._numbered[key] = numbered

    def admit(self, batches: Sequence[ReceivedBatch]) -> list[Admission]:
        """Decide for each batch, in order, whether it is new, and take its seqs into the received ranges."""
        known = self._known_digests(batches)
        admissions = []
        for batch in batches:
            ranges = self._ranges[batch.key]
            place = (*batch.key, batch.first_seq)
            taken = ranges.overlap(batch.first_seq, batch.end_seq)
            if taken and batch.digest in known.get(place, ()):
                self._duplicates[batch.key] = self._duplicates.get(batch.key, 0) + 1
                admissions.append(Admission(is_new=False, is_conflict=False, added=0))
                continue
            ranges.add(batch.first_seq, batch.end_seq)
            known.setdefault(place, set()).add(batch.digest)
            admissions.append(Admission(is_new=True, is_conflict=taken > 0, added=batch.count - taken))
        return admissions

    def ranges(self, key: BootKey) -> Intervals:
        """The received seqs of a locked boot, those admitted here included."""
        return self._ranges[key]

    def book(
        self,
        *,
        batches: Sequence[BookedBatch],
        states: Sequence[HeardState],
        rollups: Mapping[tuple[datetime, FlowKey], Total],
        panes: Mapping[FlowKey, Total],
        tallies: Mapping[TallyKey, Total],
        rejections: Sequence[Rejection],
        now: datetime,
    ) -> None:
        """Write everything; `rollups` are keyed by quarter hour UTC and flow, `panes` are of the minute of `now`."""
        self._copy_batches(batches)
        self._book_states(states)
        self._update_received(now)
        self._add_rollups(rollups)
        self._add_panes(panes, now.replace(second=0, microsecond=0))
        self._add_tallies(tallies)
        book_rejections(self._connection, rejections)
        if batches or states:
            self._connection.execute(_COUNT_COMMIT, {"instance": self._instance, "now": now})

    def book_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Write rejections alone."""
        book_rejections(self._connection, rejections)

    def _known_digests(self, batches: Sequence[ReceivedBatch]) -> dict[tuple[int, int, int], set[bytes]]:
        places = sorted({(*batch.key, batch.first_seq) for batch in batches if self._is_taken(batch)})
        if not places:
            return {}
        parameters = dict(zip(("devices", "boots", "firsts"), map(list, zip(*places, strict=True)), strict=True))
        known: dict[tuple[int, int, int], set[bytes]] = {}
        for device, boot, first_seq, digest in self._connection.execute(_DIGESTS, parameters):
            known.setdefault((device, boot, first_seq), set()).add(bytes(digest))
        return known

    def _is_taken(self, batch: ReceivedBatch) -> bool:
        return self._ranges[batch.key].overlap(batch.first_seq, batch.end_seq) > 0

    def _copy_batches(self, batches: Sequence[BookedBatch]) -> None:
        if not batches:
            return
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, DriverConnection)
        with translated(), driver.cursor() as cursor, cursor.copy(_COPY_BATCHES) as copy:
            for booked in batches:
                batch = booked.batch
                copy.write_row(
                    (
                        batch.received_at, *batch.key, batch.first_seq, batch.count,
                        booked.outcome.value, booked.last_at, batch.digest, batch.payload,
                    )
                )  # fmt: skip

    def _book_states(self, states: Sequence[HeardState]) -> None:
        for state in states:
            self._number(state.key, state.next_seq)
            if state.previous is not None:
                self._number(BootKey(state.key.device, state.previous[0]), state.previous[1])
            parameters = {
                "device": state.key.device,
                "is_on": state.is_on,
                "boot": state.key.boot,
                "details": json.dumps(state.details),
                "heard_at": state.heard_at,
            }
            self._connection.execute(_HEAR_STATE, parameters)

    def _number(self, key: BootKey, next_seq: int) -> None:
        if key in self._numbered:
            self._numbered[key] = max(self._numbered[key], next_seq)

    def _update_received(self, now: datetime) -> None:
        if not self._ranges:
            return
        rows = [
            {
                "device": key.device,
                "boot": key.boot,
                "ranges": Multirange([Range(first, end) for first, end in ranges]),
                "numbered": max(self._numbered[key], ranges.end),
                "duplicates": self._duplicates.get(key, 0),
                "now": now,
            }
            for key, ranges in self._ranges.items()
        ]
        self._connection.execute(_UPDATE_RECEIVED, rows)

    def _add_rollups(self, rollups: Mapping[tuple[datetime, FlowKey], Total]) -> None:
        self._upsert(
            _ADD_ROLLUPS,
            [
                {"b": bucket.isoformat(), "m": flow.meter, "a": flow.assignment, "g": flow.group,
                 "q": total.quantity, "n": total.occurrences}
                for (bucket, flow), total in sorted(rollups.items(), key=lambda item: item[0])
            ],
        )  # fmt: skip

    def _add_panes(self, panes: Mapping[FlowKey, Total], minute: datetime) -> None:
        if panes:
            self._connection.execute(_PRUNE_PANES, {"before": minute - timedelta(hours=PANE_HOURS)})
        self._upsert(
            _ADD_PANES,
            [
                {"b": minute.isoformat(), "m": flow.meter, "a": flow.assignment, "g": flow.group,
                 "q": total.quantity, "n": total.occurrences}
                for flow, total in sorted(panes.items())
            ],
        )  # fmt: skip

    def _add_tallies(self, tallies: Mapping[TallyKey, Total]) -> None:
        self._upsert(
            _ADD_TALLIES,
            [
                {"d": key.device, "b": key.bucket.isoformat(), "k": key.kind, "o": key.fate.value,
                 "q": total.quantity, "n": total.occurrences}
                for key, total in sorted(tallies.items())
            ],
        )  # fmt: skip

    def _upsert(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, {"rows": json.dumps(rows)})


@contextmanager
def ingest(database: Database, instance: str) -> Iterator[IngestTransaction]:
    """An ingest transaction of the gateway `instance`: committed at the end of the block, undone when it raises."""
    with database.transaction() as connection:
        yield IngestTransaction(connection, instance)


def quarter_hour(moment: datetime) -> datetime:
    """The rollup bucket of `moment`: the quarter hour UTC that contains it."""
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


_DIRECTORY_VERSION = text("select directory_version from ecosystem where id = :ecosystem")

_ENSURE_RECEIVED = text("""
    insert into received (device, boot, ranges, numbered, duplicates, last_at)
    select device, boot, '{}', 0, 0, '-infinity' from unnest(:devices ::int[], :boots ::bigint[]) as k (device, boot)
    on conflict do nothing
""")

_LOCK_RECEIVED = text("""
    select r.device, r.boot, r.ranges, r.numbered
    from received r join unnest(:devices ::int[], :boots ::bigint[]) as k (device, boot) using (device, boot)
    order by r.device, r.boot
    for update of r
""")

_DIGESTS = text("""
    select b.device, b.boot, b.first_seq, b.digest
    from batch b join unnest(:devices ::int[], :boots ::bigint[], :firsts ::bigint[]) as k (device, boot, first_seq)
    using (device, boot, first_seq)
""")

_COPY_BATCHES = """
    copy batch (received_at, device, boot, first_seq, count, outcome, last_at, digest, payload) from stdin
"""

_HEAR_STATE = text("""
    insert into device_state as s (device, is_on, boot, details, heard_at)
    values (:device, :is_on, :boot, :details ::jsonb, :heard_at)
    on conflict (device) do update
    set is_on = excluded.is_on, boot = excluded.boot, heard_at = excluded.heard_at,
        details = case when excluded.is_on then excluded.details else s.details end
""")

_UPDATE_RECEIVED = text("""
    update received set ranges = :ranges, numbered = :numbered, duplicates = duplicates + :duplicates, last_at = :now
    where device = :device and boot = :boot
""")

_ADD_ROLLUPS = text("""
    insert into rollup as r (meter, bucket, assignment, "group", revision, quantity, occurrences)
    select m, b, a, g, 0, q, n
    from jsonb_to_recordset(:rows ::jsonb) as x (m int, b timestamptz, a int, g text[], q numeric, n bigint)
    on conflict (meter, bucket, assignment, "group", revision) do update
    set quantity = r.quantity + excluded.quantity, occurrences = r.occurrences + excluded.occurrences
""")

_ADD_PANES = text("""
    insert into pane as p (meter, minute, assignment, "group", quantity, occurrences)
    select m, b, a, g, q, n
    from jsonb_to_recordset(:rows ::jsonb) as x (m int, b timestamptz, a int, g text[], q numeric, n bigint)
    on conflict (minute, meter, assignment, "group") do update
    set quantity = p.quantity + excluded.quantity, occurrences = p.occurrences + excluded.occurrences
""")

_PRUNE_PANES = text("delete from pane where minute < :before")

_ADD_TALLIES = text("""
    insert into tally as t (device, bucket, kind, outcome, events, quantity)
    select d, b, k, o, n, q
    from jsonb_to_recordset(:rows ::jsonb) as x (d int, b timestamptz, k text, o text, q numeric, n bigint)
    on conflict (device, bucket, kind, outcome) do update
    set events = t.events + excluded.events, quantity = t.quantity + excluded.quantity
""")

_COUNT_COMMIT = text("""
    insert into gateway as g (instance, commits, committed_at) values (:instance, 1, :now)
    on conflict (instance) do update set commits = g.commits + 1, committed_at = excluded.committed_at
""")
