"""Authenticated batches by columns: `ReceivedBatch` and `BookedBatch` of all that is as usual, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Places
from thalweg_store.facts import BootKey, ReceivedBatch

_BOOT_BITS = 32


@dataclass(frozen=True, slots=True)
class ReceivedColumns:
    """Batches as gateways took them, in the order of arrival."""

    #: its number in the registry
    device: NDArray[np.int64]
    boot: NDArray[np.int64]
    first_seq: NDArray[np.int64]
    #: number of events
    count: NDArray[np.int64]
    digests: Sequence[bytes]
    payloads: Sequence[bytes]
    received_at: Sequence[datetime]

    @classmethod
    def of(cls, batches: Sequence[ReceivedBatch]) -> Self:
        """The same batches by columns."""
        numbers = [(*batch.key, batch.first_seq, batch.count) for batch in batches]
        device, boot, first_seq, count = np.array(numbers, np.int64).reshape(-1, 4).T
        return cls(
            device=device,
            boot=boot,
            first_seq=first_seq,
            count=count,
            digests=[batch.digest for batch in batches],
            payloads=[batch.payload for batch in batches],
            received_at=[batch.received_at for batch in batches],
        )

    def __len__(self) -> int:
        return len(self.payloads)

    def batch(self, row: int) -> ReceivedBatch:
        """One of them."""
        return ReceivedBatch(
            BootKey(int(self.device[row]), int(self.boot[row])),
            int(self.first_seq[row]),
            int(self.count[row]),
            self.digests[row],
            self.payloads[row],
            self.received_at[row],
        )

    def among(self, rows: Places) -> Self:
        """Those at `rows`."""
        places = rows.tolist()
        return type(self)(
            self.device[rows],
            self.boot[rows],
            self.first_seq[rows],
            self.count[rows],
            [self.digests[place] for place in places],
            [self.payloads[place] for place in places],
            [self.received_at[place] for place in places],
        )


class Runs(NamedTuple):
    """Rows boot by boot."""

    #: ascending
    boots: list[BootKey]
    #: the rows of the first boot in their order, then those of the next
    order: Places
    #: where each boot's begin in `order`, and at the end the number of all
    first: Places

    @classmethod
    def of(cls, batches: ReceivedColumns) -> Self:
        """The rows of `batches`."""
        code = batches.device << _BOOT_BITS | batches.boot
        order = np.argsort(code, kind="stable")
        first = np.flatnonzero(np.diff(code[order], prepend=-1))
        examples = order[first]
        boots = [*map(BootKey, batches.device[examples].tolist(), batches.boot[examples].tolist())]
        return cls(boots, order, np.append(first, len(code)))

    def last_rows(self) -> list[int]:
        """By boot: the row that came last."""
        rows: list[int] = self.order[self.first[1:] - 1].tolist()
        return rows


@dataclass(frozen=True, slots=True)
class BookedColumns:
    """New batches that were booked whole."""

    received: ReceivedColumns
    #: times of the first and last event, Unix ms
    first_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    #: what was added to the uptimes of each; None: its times are its own
    offsets_ms: Sequence[int | None]
    #: version of the design whose meters they were fed to
    design: int

    def __len__(self) -> int:
        return len(self.received)
