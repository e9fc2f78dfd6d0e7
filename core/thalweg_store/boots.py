"""One start of one device, as the transaction that locked its row sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from thalweg.intervals import Intervals
from thalweg_store.facts import BootKey


@dataclass(slots=True)
class Boot:
    """One locked boot."""

    key: BootKey
    #: every seq below it was received
    next_seq: int
    #: number of seqs received
    received: int
    #: number of seqs declared lost and not received
    lost: int
    numbered: int
    sealed: int | None
    is_off: bool
    #: Unix time minus uptime in ms, once its clock was known
    offset_ms: int | None
    parked_since: datetime | None
    duplicates: int = 0
    has_batches: bool = False
    #: received seqs beyond `next_seq`, as far as their blocks were looked at
    beyond: Intervals = field(default_factory=Intervals)
    #: received seqs that this transaction met out of order, so that its receipt names them
    touched: Intervals = field(default_factory=Intervals)
    loaded: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    #: True when no block is stored, so that `beyond` is all there is
    is_whole: bool = False
    #: what it declared lost; None until looked at
    lost_ranges: Intervals | None = None

    def taken(self, first: int, end: int) -> int:
        """How many seqs of [first, end) were received; their blocks must have been looked at."""
        below = max(0, min(end, self.next_seq) - first)
        return below + self.beyond.overlap(first, end) if self.beyond else below

    def expects(self, first: int) -> bool:
        """Whether seqs from `first` on come in order, with nothing received beyond: the usual way."""
        return first == self.next_seq and self.is_whole and not self.beyond

    def take_next(self, end: int) -> None:
        """Take the seqs up to `end` (exclusive); the boot expects the first of them."""
        self.has_batches = True
        self.numbered = max(self.numbered, end)
        self.received += end - self.next_seq
        self.next_seq = end

    def committed(self) -> Intervals:
        """Received seqs, as far as this transaction knows them."""
        known = Intervals(((0, self.next_seq),) if self.next_seq else ())
        for intervals in (self.touched, self.beyond):
            for first, end in intervals:
                known.add(first, end)
        return known
