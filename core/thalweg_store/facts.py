"""The records that the write path is made of: batches, boots, flows, and what became of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

#: length of a rollup bucket
QUARTER: Final = timedelta(minutes=15)
#: half-open seqs [first, end)
Interval = tuple[int, int]


class Outcome(StrEnum):
    """What became of an authenticated batch."""

    BOOKED = "booked"
    PARKED = "parked"  #: its boot has no clock yet
    CONFLICT = "conflict"  #: it claims seqs that another batch holds
    UNDECODABLE = "undecodable"  #: authentic, but its inside does not follow the format


class Fate(StrEnum):
    """What became of one received event."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    REJECTED = "rejected"
    PARKED = "parked"
    UNDECODABLE = "undecodable"


class BootKey(NamedTuple):
    """One start of one device (its number in the registry)."""

    device: int
    boot: int


class FlowKey(NamedTuple):
    """Where a measured quantity is summed."""

    meter: int
    assignment: int
    group: tuple[str, ...]


class RollupKey(NamedTuple):
    """A flow within `bucket`, a quarter hour UTC of measurement."""

    bucket: datetime
    flow: FlowKey


class TallyKey(NamedTuple):
    """Where received events are counted; `bucket` is a quarter hour UTC."""

    device: int
    bucket: datetime
    kind: str
    fate: Fate


@dataclass(slots=True)
class Total:
    """A sum of integer quantities and the number of its parts."""

    quantity: int = 0
    occurrences: int = 0

    def add(self, quantity: int, occurrences: int = 1) -> None:
        """Add `occurrences` parts that make `quantity` together; both negative take them away."""
        self.quantity += quantity
        self.occurrences += occurrences


class ReceivedBatch(NamedTuple):
    """An authenticated batch, as the gateway took it; a tuple, since a transaction makes thousands."""

    key: BootKey
    first_seq: int
    count: int  # type: ignore[assignment]  # hides the method of tuples
    digest: bytes
    payload: bytes
    received_at: datetime

    @property
    def end_seq(self) -> int:
        """The seq behind the last event."""
        return self.first_seq + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardState:
    """A birth or last will, as the gateway took it."""

    key: BootKey
    is_on: bool
    next_seq: int
    #: the boot before and the seq behind its last sealed event
    previous: tuple[int, int] | None
    #: (boot, first, end): what the device gave up
    lost: tuple[tuple[int, int, int], ...] = ()
    #: Unix time minus uptime in ms; None while its clock is not set
    offset_ms: int | None = None
    #: of the key that it is signed with
    key_version: int
    details: Mapping[str, Any]
    heard_at: datetime


class Admission(NamedTuple):
    """How a batch stands to what was received before."""

    #: its bytes are not in the store yet
    is_new: bool
    #: some of its seqs belong to another batch
    is_conflict: bool
    #: seqs that it adds
    added: tuple[Interval, ...]

    @property
    def added_count(self) -> int:
        """Number of seqs that it adds."""
        return sum(end - first for first, end in self.added)


class BookedBatch(NamedTuple):
    """A new batch with what became of it; a tuple, since a transaction makes thousands."""

    batch: ReceivedBatch
    outcome: Outcome
    #: times of its first and last event; None while its boot has no clock
    first_at: datetime | None = None
    last_at: datetime | None = None
    #: added to its uptimes, which makes its times estimates; None when they are its own
    offset_ms: int | None = None
    #: version of the design whose meters it was fed to; None when to none
    design: int | None = None
    #: reason → seqs that are booked nowhere
    refused: Mapping[str, list[Interval]] | None = None


def quarter_hour(moment: datetime) -> datetime:
    """The rollup bucket of `moment`: the quarter hour UTC that contains it."""
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
