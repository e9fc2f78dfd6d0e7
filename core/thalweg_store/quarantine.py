"""Messages signed with a key that was compromised before they came: kept until an operator releases them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from thalweg_store.database import Database

#: a device's messages beyond so many are counted as rejections only, so that nobody can fill the disk
MAX_MESSAGES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One message that waits."""

    device: int
    key_version: int
    topic: str
    payload: bytes
    received_at: datetime


def put_in_quarantine(connection: Connection, messages: Sequence[Quarantined]) -> None:
    """Keep each message once, however often it comes."""
    rows = [
        {
            "device": each.device,
            "version": each.key_version,
            "topic": each.topic,
            "payload": each.payload,
            "digest": hashlib.sha256(each.payload).digest(),
            "at": each.received_at,
            "limit": MAX_MESSAGES,
        }
        for each in sorted(messages, key=lambda each: (each.device, each.key_version, each.payload))
    ]
    if rows:
        connection.execute(_KEEP, rows)


def waiting(database: Database, device: int, key_version: int, limit: int) -> dict[int, Quarantined]:
    """Up to `limit` messages, oldest first, each with its number."""
    with database.snapshot() as connection:
        parameters = {"device": device, "version": key_version, "limit": limit}
        return {
            row.id: Quarantined(
                device=device,
                key_version=key_version,
                topic=row.topic,
                payload=bytes(row.payload),
                received_at=row.received_at,
            )
            for row in connection.execute(_WAITING, parameters)
        }


def forget(database: Database, numbers: Iterable[int]) -> None:
    """Remove messages that were released, or given up."""
    with database.transaction() as connection:
        connection.execute(_FORGET, {"numbers": list(numbers)})


_KEEP = text("""
    insert into quarantine (device, key_version, topic, payload, digest, received_at)
    select :device, :version, :topic, :payload, :digest, :at
    where (select count(*) from quarantine where device = :device) < :limit
    on conflict (device, key_version, digest) do nothing
""")

_WAITING = text("""
    select id, topic, payload, received_at from quarantine where device = :device and key_version = :version
    order by id limit :limit
""")

_FORGET = text("delete from quarantine where id = any(:numbers)")
