"""Retention: the bytes of old batches go; their digests, the received ranges and the rollups stay.

So a resend is still recognised, figures stay as they are, and only what needs bytes has an end: lineage, replays, and
the history of meters that are new.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from thalweg.errors import StoreError
from thalweg_store.database import Database
from thalweg_store.directory_lock import changing


def drop_bytes(database: Database, ecosystem: str, keep: timedelta, now: datetime) -> int:
    """Drop the bytes of batches that were received more than `keep` ago; number of batches.

    Those that wait for a clock keep theirs. Raises StoreError unless `keep` is a day or longer.
    """
    if keep < timedelta(days=1):
        raise StoreError("bytes are kept for a day at least, since batches wait so long for a clock")
    with changing(database, ecosystem) as connection:
        parameters = {"ecosystem": ecosystem, "before": now - keep, "now": now}
        connection.execute(_RECORD, parameters)
        return connection.execute(_DROP, parameters).rowcount


_RECORD = text("""
    insert into retention as r (ecosystem, bytes_from, dropped_at) values (:ecosystem, :before, :now)
    on conflict (ecosystem) do update
    set bytes_from = greatest(r.bytes_from, excluded.bytes_from), dropped_at = excluded.dropped_at
""")

_DROP = text("""
    update batch b set payload = null from device d
    where d.id = b.device and d.ecosystem = :ecosystem and b.received_at < :before
      and b.payload is not null and b.outcome <> 'parked'
""")
