"""What many batches come to together, by columns: measured, and summed. Pure; event by event comes to the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Places
from thalweg_store.batch_columns import BookedColumns, ReceivedColumns
from thalweg_store.directory import Device
from thalweg_store.facts import Fate, RollupKey, TallyKey, Total
from thalweg_store.flow_columns import EventRows
from thalweg_store.measuring import MeterPlan
from thalweg_store.measuring_columns import MeasuredBatches, measure_together

#: events whose columns are worked on together: some 200 bytes each
EVENTS_TOGETHER: Final = 100_000
_LEAST_EVENT_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class BookedTogether:
    """What the usual ones among some batches come to."""

    booked: BookedColumns
    rollups: Mapping[RollupKey, Total]
    tallies: Mapping[TallyKey, Total]
    #: where the others are, whose events have to be looked at one by one
    unusual: list[int]


def book_together(
    batches: ReceivedColumns,
    devices: Sequence[Device],
    meters: MeterPlan,
    offsets_ms: Sequence[int | None] | None = None,
    events_together: int = EVENTS_TOGETHER,
) -> list[BookedTogether]:
    """What `batches` come to; `devices` has one device for each, `offsets_ms` what is added to its uptimes, if at all.

    The result comes in portions of so few events that their columns take little memory.
    """
    found = []
    for first, rows in _portions(batches, events_together):
        own = batches.among(rows) if len(rows) < len(batches) else batches
        offsets = offsets_ms[first : first + len(rows)] if offsets_ms is not None else [None] * len(rows)
        found.append(_book(own, devices[first : first + len(rows)], meters, offsets, first))
    return found


def _book(
    batches: ReceivedColumns,
    devices: Sequence[Device],
    meters: MeterPlan,
    offsets_ms: Sequence[int | None],
    first: int,
) -> BookedTogether:
    measured = measure_together(batches, [offset_ms or 0 for offset_ms in offsets_ms], meters.plan)
    rows = EventRows.of(measured.events, measured.rows, measured.at_ms, devices)
    rollups: dict[RollupKey, Total] = {}
    is_mapped = np.zeros(len(measured.rows), np.bool_)
    for column in measured.measured:
        is_mapped[rows.places(column.rows)] = True
        for key, total in rows.flows(column, meters.numbers[column.meter_hash]).items():
            rollups.setdefault(key, Total()).add(total.quantity, total.occurrences)
    tallies = {
        TallyKey(each.device, each.bucket, each.kind, Fate.MAPPED if each.is_marked else Fate.UNMAPPED): each.total
        for each in rows.tallies(is_mapped)
    }
    usual, first_ms, last_ms = _spans(measured)
    unusual: list[int] = np.flatnonzero(measured.is_unusual).tolist()
    received = batches.among(usual) if unusual else batches
    own_offsets = [offsets_ms[place] for place in usual.tolist()] if unusual else offsets_ms
    booked = BookedColumns(received, first_ms, last_ms, own_offsets, meters.design)
    return BookedTogether(booked, rollups, tallies, [first + place for place in unusual])


def _spans(measured: MeasuredBatches) -> tuple[Places, NDArray[np.int64], NDArray[np.int64]]:
    """The usual batches, each of which has events, and the times of the first and last event of each."""
    if not len(measured.rows):
        nothing = np.zeros(0, np.int64)
        return nothing.astype(np.intp), nothing, nothing
    batch = measured.events.batch[measured.rows]
    first_rows = np.flatnonzero(np.diff(batch, prepend=-1))
    lows = np.minimum.reduceat(measured.at_ms, first_rows)
    return batch[first_rows], lows, np.maximum.reduceat(measured.at_ms, first_rows)


def _portions(batches: ReceivedColumns, events_together: int) -> Iterator[tuple[int, Places]]:
    """The batches in runs of so few events, each with the place of its first."""
    most = np.array([len(payload) // _LEAST_EVENT_BYTES for payload in batches.payloads], np.int64)
    most = np.minimum(most, batches.count)  # whatever it claims: a few bytes may claim 65,535
    if most.sum() <= events_together:
        yield from [(0, np.arange(len(batches)))][: len(batches)]
        return
    first = events = 0
    for place, own in enumerate(most.tolist()):
        events += own
        if events > events_together and place > first:
            yield first, np.arange(first, place)
            first, events = place, own
    yield first, np.arange(first, len(batches))
