"""What arrived of what devices sent, and how they are: completeness, delay, last word. Read from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from thalweg_store.register import Register


@dataclass(frozen=True, slots=True)
class Completeness:
    """Counts over all boots of an ecosystem's devices, since the beginning."""

    #: seqs that devices are known to have given out
    numbered: int
    received: int
    #: seqs that devices gave up, and that did not come after all
    lost: int
    #: batches that came again unchanged
    duplicates: int
    #: batches that claim seqs of another
    conflicts: int

    @property
    def gaps(self) -> int:
        """Seqs that are neither received nor given up."""
        return self.numbered - self.received - self.lost


@dataclass(frozen=True, slots=True)
class BootStatus:
    """One start of one device."""

    device: str
    boot: int
    #: seqs that the device is known to have given out
    numbered: int
    received: int
    #: seqs that the device gave up, and that did not come after all
    lost: int
    #: the seq behind the last sealed event, as a later boot told; what was numbered from there on never left the device
    sealed: int | None
    #: True when it ended without a last word: events behind `sealed` may have been lost unnumbered
    is_unclean: bool

    @property
    def gaps(self) -> int:
        """Seqs that are neither received nor given up."""
        return self.numbered - self.received - self.lost


@dataclass(frozen=True, slots=True)
class Freshness:
    """Percentiles of the time from an event's measurement to its commit, over the batches received in a window."""

    p50: timedelta
    p95: timedelta
    p99: timedelta


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device, as last heard."""

    name: str
    operator: str
    #: role → participant of the assignment in force
    roles: Mapping[str, str]
    #: None: never heard
    heard_at: datetime | None
    #: False after a last will, or before the first birth
    is_on: bool


def read_completeness(connection: Connection, ecosystem: str) -> Completeness:
    """Events numbered, received and given up, duplicates and conflicts."""
    return Completeness(*map(int, connection.execute(_COMPLETENESS, {"ecosystem": ecosystem}).one()))


def read_boots(connection: Connection, ecosystem: str) -> list[BootStatus]:
    """The boots that have gaps or lost intervals or ended uncleanly, by device."""
    return [BootStatus(*row) for row in connection.execute(_BOOTS, {"ecosystem": ecosystem})]


def read_freshness(
    connection: Connection, ecosystem: str, since: datetime | None, at_most: timedelta | None
) -> Freshness | None:
    """Delay of the batches received since `since`, those that were late for longer than `at_most` left out."""
    parameters = {"ecosystem": ecosystem, "since": since, "at_most": at_most}
    delays = connection.execute(_FRESHNESS, parameters).one().delays
    return None if delays is None else Freshness(*delays)


def count_received(connection: Connection, ecosystem: str, since: datetime) -> int:
    """Number of events whose batch was received since `since`."""
    return int(connection.execute(_RECEIVED_SINCE, {"ecosystem": ecosystem, "since": since}).one().events)


def read_devices(connection: Connection, ecosystem: str, register: Register, now: datetime) -> list[DeviceStatus]:
    """Every active device with the roles that it fills at `now`, by name; `register` is that of the ecosystem."""
    heard = {id_: (heard_at, is_on) for id_, heard_at, is_on in connection.execute(_HEARD, {"ecosystem": ecosystem})}
    return [
        DeviceStatus(each.name, each.operator, register.roles_at(each, now), *heard[each.id])
        for each in register.devices
    ]


_COMPLETENESS = text("""
    select coalesce(sum(b.numbered), 0) as numbered, coalesce(sum(b.received), 0) as received,
           coalesce(sum(b.lost), 0) as lost, coalesce(sum(b.duplicates), 0) as duplicates,
           (select coalesce(sum(count + replayed), 0) from rejection
            where ecosystem = :ecosystem and reason = 'conflict') as conflicts
    from boot b join device d on d.id = b.device
    where d.ecosystem = :ecosystem
""")

_BOOTS = text("""
    select * from (
        select d.name, b.boot, b.numbered, b.received, b.lost, b.sealed,
               not b.is_off and coalesce(s.boot <> b.boot, false) as is_unclean
        from boot b join device d on d.id = b.device left join device_state s on s.device = d.id
        where d.ecosystem = :ecosystem
    ) as b
    where is_unclean or received < numbered
    order by name, boot
""")

_FRESHNESS = text("""
    select percentile_cont(array[0.5, 0.95, 0.99]) within group (
        order by b.received_at - b.last_at
    ) as delays
    from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.last_at is not null and b.offset_ms is null
      and (:since ::timestamptz is null or b.received_at >= :since)
      and (:at_most ::interval is null or b.received_at - b.last_at <= :at_most)
""")

_RECEIVED_SINCE = text("""
    select coalesce(sum(b.count), 0) as events from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.received_at >= :since
""")

_HEARD = text("""
    select d.id, greatest(s.heard_at, b.last_at) as heard_at, coalesce(s.is_on, false) as is_on
    from device d
    left join device_state s on s.device = d.id
    left join (select device, max(last_at) as last_at from boot where last_at > '-infinity' group by device) b
        on b.device = d.id
    where d.ecosystem = :ecosystem and d.active
""")
