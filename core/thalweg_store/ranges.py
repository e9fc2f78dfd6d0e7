"""Received ranges: which seqs of a boot are in the store. The authority on what is new.

A boot's row says up to where everything was received; what lies beyond is kept as sets of ranges by block of seqs.
So batches in order cost one row and no set, and a boot with however many gaps costs the blocks that are touched. The
lock on a boot's row guards its blocks and its lost intervals too: rows are all there is to lock, in key order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range
from sqlalchemy import Connection, text

from thalweg.intervals import Intervals
from thalweg_store.arrays import int_array
from thalweg_store.boots import Boot
from thalweg_store.facts import BootKey, Interval, ReceivedBatch

BLOCK_SEQS: Final = 2048


class ReceivedRanges:
    """The received seqs of the boots that one transaction locked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._boots: dict[BootKey, Boot] = {}

    def __getitem__(self, key: BootKey) -> Boot:
        return self._boots[key]

    def __contains__(self, key: BootKey) -> bool:
        return key in self._boots

    def lock(self, boots: Iterable[BootKey]) -> None:
        """Lock the rows of `boots`, in key order, then make those that are new, in key order.

        Whoever makes rows waits for nobody but others who make rows, so no circle of waiting arises.
        """
        keys = sorted(set(boots))
        self._lock(keys)
        new = [key for key in keys if key not in self._boots]
        if new:
            self._connection.execute(_ENSURE, _places(new))
            self._lock(new)

    def look_at(self, batches: Sequence[ReceivedBatch]) -> None:
        """Load the blocks that tell whether seqs of `batches` were received; must come before that is asked."""
        if not all(boot.is_whole for boot in self._boots.values()):
            self._look_at((batch.key, batch.first_seq, batch.end_seq) for batch in batches)

    def are_taken(self, batch: ReceivedBatch) -> bool:
        """Whether any seq of a batch was received."""
        boot = self._boots[batch.key]
        if boot.is_whole and not boot.beyond:
            return batch.first_seq < boot.next_seq
        return boot.taken(batch.first_seq, batch.end_seq) > 0

    def _look_at(self, intervals: Iterable[tuple[BootKey, int, int]]) -> None:
        """Load the blocks that hold [first, end) of boots that have received seqs beyond a gap."""
        wanted = set()
        for key, first, end in intervals:
            boot = self._boots[key]
            if not boot.is_whole:
                low = max(first, boot.next_seq) // BLOCK_SEQS
                wanted |= {(*key, block) for block in range(low, (end - 1) // BLOCK_SEQS + 1)} - {
                    (*key, block) for block in boot.loaded
                }
        if not wanted:
            return
        devices, boots, blocks = map(list, zip(*sorted(wanted), strict=True))
        parameters = {"devices": devices, "boots": boots, "blocks": blocks}
        for row in self._connection.execute(_BLOCKS, parameters):
            for part in row.ranges:
                self._boots[BootKey(row.device, row.boot)].beyond.add(part.lower, part.upper)
        for device, number, block in wanted:
            self._boots[BootKey(device, number)].loaded.add(block)

    def take(self, batch: ReceivedBatch) -> tuple[Interval, ...]:
        """Add the batch's seqs; those of them that are new."""
        boot = self._boots[batch.key]
        first, end = batch.first_seq, batch.end_seq
        if boot.expects(first):
            boot.take_next(end)
            added: tuple[Interval, ...] = ((first, end),)
        else:
            added = self._take_out_of_order(boot, first, end)
        if boot.lost:
            self._find(boot, added)
        return added

    def _take_out_of_order(self, boot: Boot, first: int, end: int) -> tuple[Interval, ...]:
        added = self._missing(boot, first, end)
        boot.has_batches = True
        boot.numbered = max(boot.numbered, end)
        boot.touched.add(first, end)
        boot.received += sum(stop - start for start, stop in added)
        if first > boot.next_seq:
            boot.beyond.add(first, end)
            boot.changed |= set(range(first // BLOCK_SEQS, (end - 1) // BLOCK_SEQS + 1))
        elif end > boot.next_seq:
            self._advance(boot, end)
        return added

    def touch(self, batch: ReceivedBatch) -> None:
        """Note a batch that came again unchanged."""
        boot = self._boots[batch.key]
        boot.duplicates += 1
        boot.has_batches = True
        boot.touched.add(batch.first_seq, batch.end_seq)

    def give_up(self, key: BootKey, first: int, end: int) -> None:
        """Count what was not received of [first, end) as lost."""
        boot = self._boots[key]
        missing = self._stored_gaps(boot, first, end)
        lost = self._lost(boot)
        for start, stop in missing:
            lost.add(start, stop)
        boot.lost = len(lost)
        boot.numbered = max(boot.numbered, end)

    def save(self, now: datetime) -> None:
        """Write what changed."""
        boots = [self._boots[key] for key in sorted(self._boots)]
        if not boots:
            return
        self._connection.execute(
            _SAVE,
            _places([boot.key for boot in boots])
            | {
                "next_seqs": int_array([boot.next_seq for boot in boots]),
                "received": int_array([boot.received for boot in boots]),
                "lost": int_array([boot.lost for boot in boots]),
                "numbered": int_array([boot.numbered for boot in boots]),
                "duplicates": int_array([boot.duplicates for boot in boots]),
                "sealed": int_array([boot.sealed for boot in boots]),
                "are_off": int_array([int(boot.is_off) for boot in boots]),
                "offsets": int_array([boot.offset_ms for boot in boots]),
                "parked": [boot.parked_since for boot in boots] if any(boot.parked_since for boot in boots) else None,
                "are_heard": int_array([int(boot.has_batches) for boot in boots]),
                "now": now,
            },
        )
        for boot in boots:
            self._save_blocks(boot)
            if boot.lost_ranges is not None:
                parameters = {"device": boot.key.device, "boot": boot.key.boot, "now": now}
                self._connection.execute(_SAVE_LOST, parameters | {"ranges": _multirange(boot.lost_ranges)})

    def _lock(self, keys: Sequence[BootKey]) -> None:
        if keys:
            for row in self._connection.execute(_LOCK, _places(keys)):
                boot = Boot(BootKey(row[0], row[1]), *row[2:])
                boot.is_whole = boot.received == boot.next_seq
                self._boots[boot.key] = boot

    def _missing(self, boot: Boot, first: int, end: int) -> tuple[Interval, ...]:
        if not boot.taken(first, end):
            return ((first, end),)
        return tuple(boot.beyond.gaps(max(first, boot.next_seq), end))

    def _advance(self, boot: Boot, end: int) -> None:
        """Move the seq below which everything was received to `end`, and on over what lies there already."""
        while True:
            boot.changed |= set(range(boot.next_seq // BLOCK_SEQS, (end - 1) // BLOCK_SEQS + 1)) & boot.loaded
            boot.next_seq = end
            boot.beyond.remove(0, end)
            self._look_at([(boot.key, end, end + 1)])
            first, stop = next(iter(boot.beyond), (end + 1, 0))
            if first > end:
                return
            end = stop

    def _stored_gaps(self, boot: Boot, first: int, end: int) -> list[Interval]:
        self._look_at(
            (boot.key, row.block * BLOCK_SEQS, (row.block + 1) * BLOCK_SEQS)
            for row in ([] if boot.is_whole else self._connection.execute(_STORED_BLOCKS, {
                "device": boot.key.device, "boot": boot.key.boot,
                "low": first // BLOCK_SEQS, "high": (end - 1) // BLOCK_SEQS,
            }).all())
        )  # fmt: skip
        start = max(first, boot.next_seq)
        return list(boot.beyond.gaps(start, end)) if start < end else []

    def _lost(self, boot: Boot) -> Intervals:
        if boot.lost_ranges is None:
            parameters = {"device": boot.key.device, "boot": boot.key.boot}
            ranges = self._connection.scalar(_LOST, parameters) if boot.lost else None
            boot.lost_ranges = Intervals((part.lower, part.upper) for part in ranges or ())
        return boot.lost_ranges

    def _find(self, boot: Boot, added: Sequence[Interval]) -> None:
        """Take what was received after all out of what is lost."""
        if added:
            lost = self._lost(boot)
            for first, end in added:
                lost.remove(first, end)
            boot.lost = len(lost)

    def _save_blocks(self, boot: Boot) -> None:
        if not boot.changed:
            return
        rows = {
            block: boot.beyond.within(block * BLOCK_SEQS, (block + 1) * BLOCK_SEQS) for block in sorted(boot.changed)
        }
        full = {block: _multirange(parts) for block, parts in rows.items() if parts}
        parameters = {"device": boot.key.device, "boot": boot.key.boot}
        if not boot.is_whole:
            empty = [block for block, parts in rows.items() if not parts]
            self._connection.execute(_DROP_BLOCKS, parameters | {"blocks": empty})
        if full:
            ranges = [str(parts) for parts in full.values()]
            self._connection.execute(_SAVE_BLOCKS, parameters | {"blocks": list(full), "ranges": ranges})


def _places(keys: Iterable[BootKey]) -> dict[str, str]:
    devices, boots = zip(*keys, strict=True)
    return {"devices": int_array(devices), "boots": int_array(boots)}


def _multirange(intervals: Iterable[Interval]) -> Multirange[int]:
    return Multirange([Range(first, end) for first, end in intervals])


_ENSURE = text("""
    insert into boot (device, boot, next_seq, received, lost, numbered, duplicates, is_off, last_at)
    select device, boot, 0, 0, 0, 0, 0, false, '-infinity'
    from unnest(:devices ::int[], :boots ::bigint[]) as k (device, boot)
    on conflict do nothing
""")

_LOCK = text("""
    select b.device, b.boot, b.next_seq, b.received, b.lost, b.numbered, b.sealed, b.is_off, b.offset_ms,
           b.parked_since
    from boot b join unnest(:devices ::int[], :boots ::bigint[]) as k (device, boot) using (device, boot)
    order by b.device, b.boot
    for update of b
""")

_BLOCKS = text("""
    select r.device, r.boot, r.ranges
    from received r join unnest(:devices ::int[], :boots ::bigint[], :blocks ::bigint[]) as k (device, boot, block)
    using (device, boot, block)
""")

_STORED_BLOCKS = text("""
    select block from received where device = :device and boot = :boot and block between :low and :high
""")

_LOST = text("select ranges from lost where device = :device and boot = :boot")

_SAVE = text("""
    update boot b set next_seq = k.next_seq, received = k.received, lost = k.lost, numbered = k.numbered,
        duplicates = b.duplicates + k.duplicates, sealed = k.sealed, is_off = k.is_off, offset_ms = k.offset_ms,
        parked_since = k.parked_since, last_at = case when k.is_heard then :now else b.last_at end
    from unnest(
        :devices ::int[], :boots ::bigint[], :next_seqs ::bigint[], :received ::bigint[], :lost ::bigint[],
        :numbered ::bigint[], :duplicates ::bigint[], :sealed ::bigint[], :are_off ::boolean[], :offsets ::bigint[],
        coalesce(:parked ::timestamptz[], '{}'), :are_heard ::boolean[]
    ) as k (device, boot, next_seq, received, lost, numbered, duplicates, sealed, is_off, offset_ms, parked_since,
            is_heard)
    where b.device = k.device and b.boot = k.boot
""")

_SAVE_LOST = text("""
    insert into lost (device, boot, ranges, declared_at) values (:device, :boot, :ranges, :now)
    on conflict (device, boot) do update set ranges = excluded.ranges
""")

_DROP_BLOCKS = text("delete from received where device = :device and boot = :boot and block = any(:blocks)")

_SAVE_BLOCKS = text("""
    insert into received (device, boot, block, ranges)
    select :device, :boot, block, ranges ::int8multirange
    from unnest(:blocks ::bigint[], :ranges ::text[]) as k (block, ranges)
    on conflict (device, boot, block) do update set ranges = excluded.ranges
""")
