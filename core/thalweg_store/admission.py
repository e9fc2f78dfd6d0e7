"""Which batches are new: identity is device, boot and seq, and the digest tells a resend from a conflict."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from thalweg_store.facts import Admission, ReceivedBatch
from thalweg_store.ranges import ReceivedRanges


def admit(ranges: ReceivedRanges, connection: Connection, batches: Sequence[ReceivedBatch]) -> list[Admission]:
    """Decide for each batch, in order, whether it is new, and take its seqs."""
    ranges.look_at((batch.key, batch.first_seq, batch.end_seq) for batch in batches)
    taken = [batch for batch in batches if ranges[batch.key].taken(batch.first_seq, batch.end_seq)]
    known = _digests(connection, taken)
    admissions = []
    for batch in batches:
        place = (*batch.key, batch.first_seq)
        is_taken = ranges[batch.key].taken(batch.first_seq, batch.end_seq) > 0
        if is_taken and batch.digest in known.get(place, ()):
            ranges.touch(batch)
            admissions.append(Admission(is_new=False, is_conflict=False, added=()))
            continue
        known.setdefault(place, set()).add(batch.digest)
        admissions.append(Admission(is_new=True, is_conflict=is_taken, added=ranges.take(batch)))
    return admissions


def are_stored(connection: Connection, batches: Sequence[ReceivedBatch]) -> list[bool]:
    """For each batch whether its very bytes are in the store."""
    known = _digests(connection, batches)
    return [batch.digest in known.get((*batch.key, batch.first_seq), ()) for batch in batches]


def _digests(connection: Connection, batches: Sequence[ReceivedBatch]) -> dict[tuple[int, int, int], set[bytes]]:
    """The digests stored at the places of `batches`: (device, boot, first seq) → digests."""
    places = {(*batch.key, batch.first_seq) for batch in batches}
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
