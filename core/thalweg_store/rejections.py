"""Messages that were not accepted: counted by topic, reason and day, with a few raw samples of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

SAMPLES: Final = 5
_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One message, or one part of it, that was not accepted."""

    topic: str
    #: ecosystem and device as the topic claims them; empty when it names none
    ecosystem: str
    principal: str
    #: a stable word: malformed, unknown_version, bad_signature, unknown_device, conflict, …
    reason: str
    #: what happened, in words
    detail: str
    payload: bytes
    received_at: datetime


def book_rejections(connection: Connection, rejections: Sequence[Rejection]) -> None:
    """Count each rejection and keep the first samples of its topic, reason and day."""
    for rejection in sorted(rejections, key=lambda each: (each.topic, each.reason)):
        row = connection.execute(
            _COUNT,
            {
                "topic": rejection.topic,
                "ecosystem": rejection.ecosystem,
                "principal": rejection.principal,
                "reason": rejection.reason,
                "day": rejection.received_at.astimezone(UTC).date(),
                "detail": rejection.detail[:_DETAIL_CHARACTERS],
                "at": rejection.received_at,
            },
        ).one()
        if row.total <= SAMPLES:
            sample = {"rejection": row.id, "at": rejection.received_at, "payload": rejection.payload}
            connection.execute(_KEEP_SAMPLE, sample)


_COUNT = text("""
    insert into rejection as r
        (topic, ecosystem, principal, reason, day, detail, count, first_seen_at, last_seen_at)
    values (:topic, :ecosystem, :principal, :reason, :day, :detail, 1, :at, :at)
    on conflict (topic, reason, day) do update
    set count = r.count + 1, detail = excluded.detail, last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)
    returning id, count as total
""")

_KEEP_SAMPLE = text("""
    insert into rejection_sample (rejection, received_at, payload) values (:rejection, :at, :payload)
""")
