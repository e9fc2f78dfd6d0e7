"""The ingest transaction: what devices sent becomes facts, exactly once.

One transaction takes the row locks of the boots concerned, decides which batches are new, and books batches, ranges,
rollups, tallies and rejections together. Its effects are therefore all there or not at all, and a message that the
transport delivers again finds its range taken and changes nothing.

Several gateways may run it at once: rows are always locked and written in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from thalweg.errors import UnknownEcosystem
from thalweg_store.admission import admit, admit_in_order, are_stored
from thalweg_store.arrays import int_array
from thalweg_store.batch_columns import BookedColumns, ReceivedColumns, Runs
from thalweg_store.batches import StoredBatch, copy_batches, parked_batches, rebook, refused_of
from thalweg_store.boots import Boot
from thalweg_store.closing import Closures
from thalweg_store.database import Database
from thalweg_store.directory_lock import lock_shared
from thalweg_store.facts import (
    Admission,
    BookedBatch,
    BootKey,
    FlowKey,
    HeardState,
    ReceivedBatch,
    RollupKey,
    TallyKey,
    Total,
)
from thalweg_store.fed_meters import FedMeter, fed_meters
from thalweg_store.flows import FlowNumbers
from thalweg_store.foreign import ForeignFacts
from thalweg_store.quarantine import Quarantined, put_in_quarantine
from thalweg_store.ranges import ReceivedRanges
from thalweg_store.rejected import take_out
from thalweg_store.rejections import Rejection, RejectionKey, book_rejections
from thalweg_store.rollups import add_panes, add_rollups, add_tallies
from thalweg_store.states import boots_of, hear


class Standing(NamedTuple):
    """What a picture of the registry is good for: it is stale once either differs."""

    directory_version: int
    store_epoch: str


class IngestTransaction:
    """The write side of one transaction; see the module for its promises."""

    def __init__(self, connection: Connection, instance: str, flows: FlowNumbers) -> None:
        self._connection = connection
        self._instance = instance
        self._flows = flows
        self._ranges = ReceivedRanges(connection)
        #: how often this gateway has committed, as of this transaction
        self.commits = 0

    def standing(self, ecosystem: str) -> Standing:
        """The present version of the registry and epoch; holds off changes to it until this transaction ends."""
        lock_shared(self._connection)
        row = self._connection.execute(_STANDING, {"ecosystem": ecosystem, "instance": self._instance}).first()
        if row is None:
            raise UnknownEcosystem(ecosystem)
        self.commits = row.commits
        return Standing(row.directory_version, row.epoch)

    def lock(self, boots: Iterable[BootKey], states: Sequence[HeardState] = ()) -> None:
        """Lock `boots` and those that `states` speak of; must come before anything about them is asked."""
        self._ranges.lock({*boots, *boots_of(states)})

    def boot(self, key: BootKey) -> Boot:
        """A locked boot, as this transaction will leave it."""
        return self._ranges[key]

    def admit(self, batches: Sequence[ReceivedBatch]) -> list[Admission]:
        """Decide for each batch, in order, whether it is new, and take its seqs into the received ranges."""
        return admit(self._ranges, self._connection, batches)

    def admit_in_order(
        self, batches: ReceivedColumns, runs: Runs, others: Collection[BootKey]
    ) -> NDArray[np.bool_]:  # fmt: skip
        """Which of `batches` are new because all that came of their boot follows what is there; takes their seqs.

        The rest is for `admit`, and so is everything of the boots `others`.
        """
        return admit_in_order(self._ranges, batches, runs, others)

    def are_stored(self, batches: Sequence[ReceivedBatch]) -> list[bool]:
        """For each batch whether its very bytes are in the store; locks nothing."""
        return are_stored(self._connection, batches)

    def parked(self, key: BootKey) -> list[StoredBatch]:
        """The stored batches of a locked boot that wait for its clock."""
        return parked_batches(self._connection, key)

    def refused(self, key: BootKey, reason: str) -> list[StoredBatch]:
        """The stored batches of a locked boot with seqs that are booked nowhere for `reason`."""
        return refused_of(self._connection, key, reason)

    def retired_meters(self, ecosystem: str) -> list[FedMeter]:
        """The meters of earlier designs that no design in force feeds any more."""
        fed = fed_meters(self._connection, ecosystem).values()
        return [meter for meter in fed if meter.fed_through is not None]

    def take_out_rejections(self, numbers: Mapping[RejectionKey, int]) -> None:
        """Take so many messages or events, booked after all, out of the counts."""
        take_out(self._connection, numbers)

    def key_versions(self, devices: Iterable[int]) -> dict[int, int]:
        """The key version that each device's last birth was signed with, where there was one."""
        rows = self._connection.execute(_KEY_VERSIONS, {"devices": int_array(devices)})
        return {row.device: row.key_version for row in rows}

    def book(
        self,
        *,
        batches: Sequence[BookedBatch],
        columns: Sequence[BookedColumns] = (),
        rebooked: Sequence[tuple[StoredBatch, BookedBatch]] = (),
        states: Sequence[HeardState] = (),
        rollups: Mapping[RollupKey, Total],
        panes: Mapping[FlowKey, Total],
        tallies: Mapping[TallyKey, Total],
        closures: Closures,
        rejections: Sequence[Rejection] = (),
        quarantined: Sequence[Quarantined] = (),
        now: datetime,
    ) -> list[Rejection]:
        """Write everything; `panes` are of the minute of `now`, `rebooked` batches were set aside before.

        Gives what had to be rejected beside `rejections`: what found no room in quarantine.
        """
        copy_batches(self._connection, batches, columns)
        for stored, booked in rebooked:
            rebook(self._connection, stored, booked)
        hear(self._connection, self._ranges, states)
        self._ranges.save(now)
        add_rollups(self._connection, rollups, closures, self._flows)
        self.book_panes(panes, now)
        add_tallies(self._connection, tallies)
        left_out = put_in_quarantine(self._connection, quarantined)
        book_rejections(self._connection, [*rejections, *left_out])
        if batches or any(columns) or rebooked or states:
            counted = self._connection.execute(_COUNT_COMMIT, {"instance": self._instance, "now": now})
            self.commits = counted.scalar_one()
        return left_out

    def foreign(self) -> ForeignFacts:
        """What is known of messages of devices that are not ours."""
        return ForeignFacts(self._connection)

    def book_panes(self, panes: Mapping[FlowKey, Total], now: datetime) -> None:
        """Write panes of the minute of `now` alone."""
        add_panes(self._connection, panes, now.replace(second=0, microsecond=0), self._flows)

    def book_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Write rejections alone."""
        book_rejections(self._connection, rejections)


@contextmanager
def ingest(database: Database, instance: str, flows: FlowNumbers) -> Iterator[IngestTransaction]:
    """An ingest transaction of the gateway `instance`: committed at the end of the block, undone when it raises.

    `flows` goes from one transaction of a gateway to its next.
    """
    is_committed = False
    try:
        with database.transaction() as connection:
            yield IngestTransaction(connection, instance, flows)
        is_committed = True
    finally:
        if is_committed:
            flows.keep()
        else:
            flows.forget()


_STANDING = text("""
    select directory_version, (select epoch from store_life order by began_at desc, epoch limit 1) as epoch,
           coalesce((select commits from gateway where instance = :instance), 0) as commits
    from ecosystem where id = :ecosystem
""")

_KEY_VERSIONS = text("""
    select device, key_version from device_state where device = any(:devices ::int[]) and key_version is not null
""")

_COUNT_COMMIT = text("""
    insert into gateway as g (instance, commits, committed_at) values (:instance, 1, :now)
    on conflict (instance) do update set commits = g.commits + 1, committed_at = excluded.committed_at
    returning commits
""")
