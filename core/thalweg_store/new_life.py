"""Another life of the store (a restored backup): whether a gateway has spoken in it yet, and to whom it must speak."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text

from thalweg_store.database import Database


class Remembered(NamedTuple):
    """What the store knows of one device; boot 0 and seq 0 of one that it has heard nothing of."""

    device: str
    #: of its last birth, or its highest
    key_version: int
    #: the last that was heard
    boot: int
    #: every seq of that boot below it is committed
    next_seq: int


def is_unheard(database: Database, instance: str) -> bool:
    """Whether the store has begun another life, in which the gateway `instance` has committed nothing yet."""
    with database.snapshot() as connection:
        return bool(connection.execute(_IS_UNHEARD, {"instance": instance}).scalar_one())


def remembered(database: Database, ecosystem: str) -> list[Remembered]:
    """Every active device of `ecosystem`, by name."""
    with database.snapshot() as connection:
        return [Remembered(*row) for row in connection.execute(_REMEMBERED, {"ecosystem": ecosystem})]


_IS_UNHEARD = text("""
    select count(*) > 1 and max(began_at) > coalesce(
        (select committed_at from gateway where instance = :instance), '-infinity'
    ) from store_life
""")

_REMEMBERED = text("""
    select d.name, coalesce(s.key_version, d.key_version), coalesce(b.boot, 0), coalesce(b.next_seq, 0)
    from device d left join device_state s on s.device = d.id
    left join lateral (
        select boot, next_seq from boot where device = d.id order by last_at desc, boot limit 1
    ) b on true
    where d.ecosystem = :ecosystem and d.active order by d.name
""")
