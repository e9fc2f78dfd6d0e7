"""Which batches are new: identity is device, boot and seq, and the digest tells a resend from a conflict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from thalweg_store.batch_columns import ReceivedColumns, Runs
from thalweg_store.facts import Admission, BootKey, ReceivedBatch
from thalweg_store.ranges import ReceivedRanges

_DUPLICATE: Final = Admission(is_new=False, is_conflict=False, added=())


def admit(ranges: ReceivedRanges, connection: Connection, batches: Sequence[ReceivedBatch]) -> list[Admission]:
    """Decide for each batch, in order, whether it is new, and take its seqs."""
    ranges.look_at(batches)
    taken = [batch for batch in batches if ranges.are_taken(batch)]
    known = _digests(connection, taken)
    #: device and digest, which covers boot and seq, of what came before in the same transaction
    came: set[tuple[int, bytes]] = set()
    admissions = []
    for batch in batches:
        is_taken = ranges.are_taken(batch)
        identity = (batch.key.device, batch.digest)
        if is_taken and (identity in came or batch.digest in known.get(_place(batch), ())):
            ranges.touch(batch)
            admissions.append(_DUPLICATE)
        else:
            came.add(identity)
            admissions.append(Admission(True, is_taken, ranges.take(batch)))
    return admissions


def admit_in_order(
    ranges: ReceivedRanges, batches: ReceivedColumns, runs: Runs, others: Collection[BootKey]
) -> NDArray[np.bool_]:  # fmt: skip
    """By batch: whether it is new because everything of its boot follows what is there, which takes its seqs.

    That is the usual way, and needs no look at a single batch. What is left is for `admit`, as are the boots `others`.
    """
    if not len(batches):
        return np.zeros(0, np.bool_)
    begin = runs.first[:-1]
    starts, ends = batches.first_seq[runs.order], (batches.first_seq + batches.count)[runs.order]
    follows = np.append(True, starts[1:] == ends[:-1])
    follows[begin] = True
    taken = []
    for key, follow, start, end in zip(
        runs.boots,
        np.logical_and.reduceat(follows, begin).tolist(),
        starts[begin].tolist(),
        ends[runs.first[1:] - 1].tolist(),
        strict=True,
    ):
        boot = ranges[key]
        is_next = follow and boot.expects(start) and not boot.lost and key not in others
        if is_next:
            boot.take_next(end)
        taken.append(is_next)
    is_new = np.empty(len(batches), np.bool_)
    is_new[runs.order] = np.repeat(np.array(taken, np.bool_), np.diff(runs.first))
    return is_new


def are_stored(connection: Connection, batches: Sequence[ReceivedBatch]) -> list[bool]:
    """For each batch whether its very bytes are in the store."""
    known = _digests(connection, batches)
    return [batch.digest in known.get(_place(batch), ()) for batch in batches]


def _place(batch: ReceivedBatch) -> tuple[int, int, int]:
    return (*batch.key, batch.first_seq)


def _digests(connection: Connection, batches: Sequence[ReceivedBatch]) -> dict[tuple[int, int, int], set[bytes]]:
    """The digests stored at the places of `batches`: (device, boot, first seq) → digests."""
    places = {_place(batch) for batch in batches}
    if not places:
        return {}
    devices, boots, firsts = map(list, zip(*sorted(places), strict=True))
    known: dict[tuple[int, int, int], set[bytes]] = {}
    for row in connection.execute(_DIGESTS, {"devices": devices, "boots": boots, "firsts": firsts}):
        known.setdefault((row.device, row.boot, row.first_seq), set()).add(bytes(row.digest))
    return known


_DIGESTS = text("""
    select b.device, b.boot, b.first_seq, b.digest
    from batch b join unnest(:devices ::int[], :boots ::bigint[], :firsts ::bigint[]) as k (device, boot, first_seq)
    using (device, boot, first_seq)
""")
