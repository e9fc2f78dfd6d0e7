"""Messages signed with a key that was compromised before they came: kept until an operator releases them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from thalweg.wire.topics import parse
from thalweg_store.database import Database
from thalweg_store.rejections import Rejection

#: a device's messages beyond so many are counted as rejections only, so that nobody can fill the disk
MAX_MESSAGES: Final = 10_000
#: the reason of those rejections
QUARANTINE_FULL: Final = "quarantine_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One message that waits."""

    device: int
    key_version: int
    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits of one key version of a device."""

    device: str
    key_version: int
    messages: int
    first_received_at: datetime


def put_in_quarantine(connection: Connection, messages: Sequence[Quarantined]) -> list[Rejection]:
    """Keep each message once, however often it comes; those that found no room, as rejections to count.

    Nothing receipts them, so their device keeps them, and sends them again when there is room.
    """
    if not messages:
        return []
    columns = {
        "devices": [each.device for each in messages],
        "versions": [each.key_version for each in messages],
        "topics": [each.topic for each in messages],
        "payloads": [each.payload for each in messages],
        "digests": [hashlib.sha256(each.payload).digest() for each in messages],
        "times": [each.received_at for each in messages],
    }
    left_out = connection.scalars(_KEEP, columns | {"limit": MAX_MESSAGES})
    return [_left_out(messages[place - 1]) for place in left_out]


def _left_out(message: Quarantined) -> Rejection:
    topic = parse(message.topic)
    return Rejection(
        topic=message.topic,
        ecosystem=topic.ecosystem,
        principal=topic.device,
        reason=QUARANTINE_FULL,
        detail=(
            f"{MAX_MESSAGES} messages of this device wait already, its key version {message.key_version} being "
            "compromised: release them (`thalweg keys release`), and the device sends the others again"
        ),
        payload=message.payload,
        received_at=message.received_at,
    )


def list_waiting(database: Database, ecosystem: str) -> list[Waiting]:
    """What waits, by device and key version."""
    with database.snapshot() as connection:
        rows = connection.execute(_LIST, {"ecosystem": ecosystem})
        return [
            Waiting(
                device=row.name,
                key_version=row.key_version,
                messages=row.messages,
                first_received_at=row.first_received_at,
            )
            for row in rows
        ]


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
    with come as (
        select * from unnest(
            :devices ::int[], :versions ::smallint[], :topics ::text[], :payloads ::bytea[], :digests ::bytea[],
            :times ::timestamptz[]
        ) with ordinality as c (device, key_version, topic, payload, digest, received_at, place)
    ), new as (
        select distinct on (device, key_version, digest) * from come c
        where not exists (
            select 1 from quarantine q
            where q.device = c.device and q.key_version = c.key_version and q.digest = c.digest
        )
        order by device, key_version, digest, place
    ), numbered as (
        select n.*, (select count(*) from quarantine q where q.device = n.device)
                    + row_number() over (partition by n.device order by n.place) as number
        from new n
    ), kept as (
        insert into quarantine (device, key_version, topic, payload, digest, received_at)
        select device, key_version, topic, payload, digest, received_at from numbered where number <= :limit
        order by device, key_version, digest
        on conflict (device, key_version, digest) do nothing
    )
    select place from numbered where number > :limit order by place
""")

_LIST = text("""
    select d.name, q.key_version, count(*) as messages, min(q.received_at) as first_received_at
    from quarantine q join device d on d.id = q.device where d.ecosystem = :ecosystem
    group by d.name, q.key_version order by d.name, q.key_version
""")

_WAITING = text("""
    select id, topic, payload, received_at from quarantine where device = :device and key_version = :version
    order by id limit :limit
""")

_FORGET = text("delete from quarantine where id = any(:numbers)")
