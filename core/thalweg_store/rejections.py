"""Messages and events that were not accepted: counted by sender, reason and day, with a few raw samples of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

SAMPLES: Final = 5
#: senders told apart for one reason and day; beyond, they are counted together
PRINCIPALS: Final = 1000
OTHERS: Final = "_others"
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


class RejectionKey(NamedTuple):
    """What rejections are counted by; `day` is UTC."""

    ecosystem: str
    principal: str
    reason: str
    day: date


def key_of(rejection: Rejection) -> RejectionKey:
    """What `rejection` is counted by."""
    day = rejection.received_at.astimezone(UTC).date()
    return RejectionKey(rejection.ecosystem, rejection.principal, rejection.reason, day)


def book_rejections(connection: Connection, rejections: Sequence[Rejection]) -> None:
    """Count the rejections and keep the first samples of each sender, reason and day."""
    by_key: dict[RejectionKey, list[Rejection]] = {}
    for rejection in rejections:
        by_key.setdefault(key_of(rejection), []).append(rejection)
    for key in sorted(by_key):
        _book(connection, key, by_key[key])


def _book(connection: Connection, key: RejectionKey, rejections: list[Rejection]) -> None:
    latest = rejections[-1]
    row = connection.execute(
        _COUNT,
        {
            **key._asdict(),
            "topic": _storable(latest.topic),
            "detail": _storable(latest.detail)[:_DETAIL_CHARACTERS],
            "first": min(each.received_at for each in rejections),
            "last": max(each.received_at for each in rejections),
            "count": len(rejections),
            "principals": PRINCIPALS,
            "others": OTHERS,
        },
    ).one()
    samples = [
        {"rejection": row.id, "at": each.received_at, "topic": _storable(each.topic), "payload": each.payload}
        for each in rejections[: max(0, SAMPLES - row.samples)]
    ]
    if samples:
        connection.execute(_KEEP_SAMPLE, samples)


def _storable(words: str) -> str:
    """What PostgreSQL can keep: no NUL, no half of a surrogate pair."""
    return words.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


_COUNT = text("""
    insert into rejection as r
        (topic, ecosystem, principal, reason, day, detail, count, replayed, first_seen_at, last_seen_at)
    select :topic, :ecosystem,
           case when n.known or n.number < :principals then :principal else :others end,
           :reason, :day, :detail, :count, 0, :first, :last
    from (
        select coalesce(bool_or(principal = :principal), false) as known, count(*) as number
        from (select principal from rejection where ecosystem = :ecosystem and reason = :reason and day = :day) as seen
    ) as n
    on conflict (ecosystem, principal, reason, day) do update
    set count = r.count + excluded.count, topic = excluded.topic, detail = excluded.detail,
        last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)
    returning id, (select count(*) from rejection_sample s where s.rejection = r.id) as samples
""")

_KEEP_SAMPLE = text("""
    insert into rejection_sample (rejection, received_at, topic, payload) values (:rejection, :at, :topic, :payload)
""")
