"""Facts about devices that are not ours: which of their messages were counted, and what their counters showed last.

Their events are stored as unsigned batches of one (`thalweg.wire.unsigned`), under a boot that is the number of the
profile's version that read them; so everything that reads batches reads these too. What makes a message count once is
the identity that its source gives it: a key, written in the transaction that books its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from thalweg.errors import SetupError, StoreError
from thalweg.profiles.counters import CounterState
from thalweg_store.database import Database
from thalweg_store.facts import QUARTER


class ProfileVersion(NamedTuple):
    """A registered version of a profile; `id` is the boot of its batches."""

    id: int
    #: number of the profile, which its versions share
    profile: int


class SourceKey(NamedTuple):
    """What a profile calls one message, or one event of it."""

    profile: int
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMessage:
    """What is known of a message under its key."""

    #: number of the device; None where it could not be read
    device: int | None
    #: number of the profile's version that read it
    version: int
    #: with device and version, its batch; None: it gave no event
    seq: int | None
    #: of what it said
    digest: bytes
    #: why it gave no event
    reason: str | None
    received_at: datetime


class CounterKey(NamedTuple):
    """One counter of one device."""

    device: int
    counter: str


class KeysTakenError(StoreError):
    """Another transaction has counted one of the same messages meanwhile: do it all again."""


class ForeignFacts:
    """The part of an ingest transaction that knows messages of other devices. Lock their boots first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, keys: Iterable[SourceKey]) -> dict[SourceKey, KnownMessage]:
        """Those of `keys` that were counted before."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        parameters = {"profiles": [each.profile for each in wanted], "keys": [each.key for each in wanted]}
        return {
            SourceKey(row.profile, bytes(row.key)): KnownMessage(
                device=row.device,
                version=row.version,
                seq=row.seq,
                digest=bytes(row.digest),
                reason=row.reason,
                received_at=row.received_at,
            )
            for row in self._connection.execute(_KNOWN, parameters)
        }

    def write(self, new: Mapping[SourceKey, KnownMessage], changed: Mapping[SourceKey, KnownMessage]) -> None:
        """Write messages that were not known, and those that gave no event before; raises KeysTakenError."""
        if new:
            rows = [_row(key, new[key]) for key in sorted(new)]
            columns = {f"{name}s": [row[name] for row in rows] for name in rows[0]}
            if self._connection.execute(_WRITE, columns).rowcount < len(new):
                raise KeysTakenError("messages with the same keys were counted by another gateway")
        if changed:
            self._connection.execute(_CHANGE, [_row(key, changed[key]) for key in sorted(changed)])

    def lock_counters(self, keys: Iterable[CounterKey]) -> dict[CounterKey, CounterState]:
        """The last readings of counters, locked until the transaction ends; a counter without one is left out."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        parameters = {"devices": [each.device for each in wanted], "counters": [each.counter for each in wanted]}
        # a row that is locked must be there: the first reading of a counter makes it
        self._connection.execute(_ENSURE_COUNTERS, parameters)
        rows = self._connection.execute(_LOCK_COUNTERS, parameters)
        return {
            CounterKey(row.device, row.counter): CounterState(row.value, row.at_ms)
            for row in rows
            if row.at_ms != _NO_READING_MS
        }

    def save_counters(self, states: Mapping[CounterKey, CounterState]) -> None:
        """Write the readings of counters that this transaction locked."""
        if states:
            self._connection.execute(
                _SAVE_COUNTERS,
                [
                    {"device": key.device, "counter": key.counter, "value": states[key].value, "at": states[key].at_ms}
                    for key in sorted(states)
                ],
            )


def register_profile(
    database: Database, ecosystem: str, name: str, version: int, content_hash: str, document: str, now: datetime
) -> ProfileVersion:
    """Register a version of a profile, once; raises SetupError where the same version said something else before."""
    with database.transaction() as connection:
        parameters = {"ecosystem": ecosystem, "name": name}
        connection.execute(_ENSURE_PROFILE, parameters)
        profile = int(connection.execute(_PROFILE, parameters).scalar_one())
        content = {"profile": profile, "version": version, "hash": content_hash, "document": document, "now": now}
        connection.execute(_ENSURE_VERSION, content)
        row = connection.execute(_VERSION, content).one()
    if row.hash != content_hash:
        raise SetupError(f"profile {name!r}, version {version}, was registered with another content: raise its version")
    return ProfileVersion(int(row.id), profile)


def count_unreadable(database: Database, ecosystem: str) -> int:
    """Messages of `ecosystem` that gave no event, each once."""
    with database.snapshot() as connection:
        return int(connection.execute(_COUNT_UNREADABLE, {"ecosystem": ecosystem}).scalar_one())


def measured_period(database: Database, ecosystem: str) -> tuple[datetime, datetime] | None:
    """The quarter hours, half-open, from the first to the last booked event; None without any."""
    with database.snapshot() as connection:
        row = connection.execute(_PERIOD, {"ecosystem": ecosystem}).one()
    return None if row.first is None else (row.first, row.last + QUARTER)


def _row(key: SourceKey, known: KnownMessage) -> dict[str, object]:
    return {
        "profile": key.profile,
        "key": key.key,
        "device": known.device,
        "version": known.version,
        "seq": known.seq,
        "digest": known.digest,
        "reason": known.reason,
        "received_at": known.received_at,
    }


#: of a counter that was never read
_NO_READING_MS: Final = -1

_KNOWN = text("""
    select k.* from source_key k
    join unnest(:profiles ::int[], :keys ::bytea[]) as w (profile, key) using (profile, key)
""")

_WRITE = text("""
    insert into source_key (profile, key, device, version, seq, digest, reason, received_at)
    select * from unnest(
        :profiles ::int[], :keys ::bytea[], :devices ::int[], :versions ::int[], :seqs ::bigint[], :digests ::bytea[],
        :reasons ::text[], :received_ats ::timestamptz[]
    ) on conflict do nothing
""")

_CHANGE = text("""
    update source_key set device = :device, version = :version, seq = :seq, digest = :digest, reason = :reason,
        received_at = :received_at
    where profile = :profile and key = :key
""")

_ENSURE_COUNTERS = text(f"""
    insert into counter_state (device, counter, value, at_ms)
    select device, counter, 0, {_NO_READING_MS} from unnest(:devices ::int[], :counters ::text[]) as w (device, counter)
    on conflict do nothing
""")  # noqa: S608 - a constant of this module

_LOCK_COUNTERS = text("""
    select c.* from counter_state c
    join unnest(:devices ::int[], :counters ::text[]) as w (device, counter) using (device, counter)
    order by c.device, c.counter for update of c
""")

_SAVE_COUNTERS = text("""
    update counter_state set value = :value, at_ms = :at where device = :device and counter = :counter
""")

_ENSURE_PROFILE = text("""
    insert into profile (ecosystem, name) values (:ecosystem, :name) on conflict do nothing
""")

_PROFILE = text("select id from profile where ecosystem = :ecosystem and name = :name")

_ENSURE_VERSION = text("""
    insert into profile_version (profile, version, hash, document, registered_at)
    values (:profile, :version, :hash, :document, :now) on conflict do nothing
""")

_VERSION = text("select id, hash from profile_version where profile = :profile and version = :version")

_COUNT_UNREADABLE = text("""
    select count(*) from source_key k join profile p on p.id = k.profile
    where p.ecosystem = :ecosystem and k.seq is null
""")

_PERIOD = text("""
    select min(t.bucket) as first, max(t.bucket) as last from tally t join device d on d.id = t.device
    where d.ecosystem = :ecosystem and t.outcome in ('mapped', 'unmapped')
""")
