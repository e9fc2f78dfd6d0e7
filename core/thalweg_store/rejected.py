"""What is rejected still: listing it, and taking out of it what a replay booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg_store.database import Database
from thalweg_store.rejections import OTHERS, RejectionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """What was rejected of one sender, for one reason, on one day."""

    id: int
    key: RejectionKey
    #: messages or events that are rejected still
    count: int
    #: those that a replay booked
    replayed: int
    #: raw messages that are kept
    samples: int
    first_seen_at: datetime
    last_seen_at: datetime
    #: topic of the latest, and what happened in words
    topic: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One raw message of a rejection."""

    id: int
    topic: str
    payload: bytes
    received_at: datetime


def list_rejected(database: Database, ecosystem: str) -> list[Rejected]:
    """What is rejected still or was replayed, of `ecosystem` and of topics that name none, latest first."""
    with database.snapshot() as connection:
        return [
            Rejected(
                id=row.id,
                key=RejectionKey(row.ecosystem, row.principal, row.reason, row.day),
                count=row.number,
                replayed=row.replayed,
                samples=row.samples,
                first_seen_at=row.first_seen_at,
                last_seen_at=row.last_seen_at,
                topic=row.topic,
                detail=row.detail,
            )
            for row in connection.execute(_LIST, {"ecosystem": ecosystem})
        ]


def samples_of(database: Database, rejection: int) -> list[Sample]:
    """The raw messages kept of a rejection, oldest first."""
    with database.snapshot() as connection:
        rows = connection.execute(_SAMPLES, {"rejection": rejection})
        return [
            Sample(id=row.id, topic=row.topic, payload=bytes(row.payload), received_at=row.received_at) for row in rows
        ]


def forget_sample(connection: Connection, sample: int) -> None:
    """Take a message that was accepted after all out of the count."""
    connection.execute(_FORGET_SAMPLE, {"sample": sample})


def take_out(connection: Connection, numbers: Mapping[RejectionKey, int]) -> None:
    """Take so many messages or events, booked after all, out of the counts; the samples go with the last."""
    for key in sorted(numbers):
        parameters = {**key._asdict(), "number": numbers[key]}
        if connection.execute(_TAKE_OUT, parameters).rowcount == 0:
            connection.execute(_TAKE_OUT, parameters | {"principal": OTHERS})


_LIST = text("""
    select r.*, r.count as number, (select count(*) from rejection_sample s where s.rejection = r.id) as samples
    from rejection r where ecosystem in (:ecosystem, '') order by last_seen_at desc, id
""")

_SAMPLES = text("""
    select id, topic, payload, received_at from rejection_sample where rejection = :rejection order by id
""")

_FORGET_SAMPLE = text("""
    with gone as (delete from rejection_sample where id = :sample returning rejection)
    update rejection r set count = greatest(r.count - 1, 0), replayed = r.replayed + 1
    from gone where r.id = gone.rejection
""")

_TAKE_OUT = text("""
    with fewer as (
        update rejection set count = greatest(count - :number, 0), replayed = replayed + least(count, :number)
        where ecosystem = :ecosystem and principal = :principal and reason = :reason and day = :day
        returning id, count
    ), emptied as (
        delete from rejection_sample s using fewer f where f.count = 0 and s.rejection = f.id
    )
    select id from fewer
""")
