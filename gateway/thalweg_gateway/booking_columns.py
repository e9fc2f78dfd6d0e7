"""Sum: what the usual batches of one transaction come to, by columns. Pure; event by event comes to the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Integers, Places, distinct, sum_by_place
from thalweg.mapping_columns import MeasuredColumn
from thalweg_store.directory import Device
from thalweg_store.facts import QUARTER, Fate, FlowKey, RollupKey, TallyKey, Total
from thalweg_store.measuring_columns import MeasuredBatches

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_QUARTER_MS: Final = QUARTER // _MILLISECOND
#: beyond every possible time in ms, so that (device, time) fits one integer
_DEVICE_STEP: Final = 1 << 47


@dataclass(frozen=True, slots=True)
class Sums:
    """What the events of many batches come to."""

    rollups: Mapping[RollupKey, Total]
    tallies: Mapping[TallyKey, Total]
    #: by batch: times of its first and last event; None for a batch that is not among the usual ones
    spans: list[tuple[datetime, datetime] | None]


def sum_up(measured: MeasuredBatches, devices: Sequence[Device], numbers: Mapping[str, int]) -> Sums:
    """The sums of `measured`; `devices` are those of its batches, `numbers` those of the meters (by content hash)."""
    known = {device.id: device for device in devices}
    places = {number: place for place, number in enumerate(known)}
    device_of_batch = np.array([places[device.id] for device in devices], np.intp)
    ordered = list(known.values())
    rows = _Rows(
        measured=measured,
        device=device_of_batch[measured.events.batch[measured.rows]],
        bucket=measured.at_ms // _QUARTER_MS,
    )
    assignments, assignment = _assignments(rows, ordered)
    rollups: dict[RollupKey, Total] = {}
    for column in measured.measured:
        _add_flows(rollups, rows, column, numbers[column.meter_hash], assignments, assignment)
    return Sums(rollups, _tallies(rows, ordered), _spans(measured, len(devices)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The events of the usual batches, one entry each."""

    measured: MeasuredBatches
    #: position of the device
    device: Places
    #: number of the quarter hour since 1970
    bucket: NDArray[np.int64]

    def places(self, rows: Places) -> Places:
        """Where these rows of the events are among ours, both ascending."""
        return np.searchsorted(self.measured.rows, rows)


def _assignments(rows: _Rows, devices: Sequence[Device]) -> tuple[list[int], Places]:
    """Ids of assignments, and for each event the position of its own: the last of its device that has begun."""
    ids: list[int] = []
    begins: list[int] = []
    for place, device in enumerate(devices):
        for each in device.assignments:
            ids.append(each.id)
            begins.append(place * _DEVICE_STEP + max(0, -((_EPOCH - each.valid_from) // _MILLISECOND)))
    at = rows.device * _DEVICE_STEP + rows.measured.at_ms
    return ids, np.searchsorted(np.array(begins, np.int64), at, "right") - 1


def _add_flows(
    rollups: dict[RollupKey, Total],
    rows: _Rows,
    column: MeasuredColumn,
    meter: int,
    assignments: Sequence[int],
    assignment: Places,
) -> None:
    own = rows.places(column.rows)
    example, place = distinct([rows.bucket[own], assignment[own], column.group], len(own))
    for row, group, total in zip(
        own[example].tolist(),
        column.group[example].tolist(),
        _totals(place, column.quantity, len(example)),
        strict=True,
    ):
        flow = FlowKey(meter, assignments[assignment[row]], column.groups[group])
        key = RollupKey(_moment(rows.bucket[row]), flow)
        rollups.setdefault(key, Total()).add(total.quantity, total.occurrences)


def _tallies(rows: _Rows, devices: Sequence[Device]) -> dict[TallyKey, Total]:
    events = rows.measured.events
    is_mapped = np.zeros(len(rows.measured.rows), np.bool_)
    for column in rows.measured.measured:
        is_mapped[rows.places(column.rows)] = True
    kinds = list({shape.kind: None for shape in events.shapes})
    kind_of_shape = np.array([kinds.index(shape.kind) for shape in events.shapes], np.intp)
    kind = kind_of_shape[events.shape[rows.measured.rows]]
    example, place = distinct([rows.device, rows.bucket, kind, is_mapped.astype(np.intp)], len(is_mapped))
    totals = _totals(place, events.quantity[rows.measured.rows], len(example))
    return {
        TallyKey(
            devices[rows.device[row]].id,
            _moment(rows.bucket[row]),
            kinds[kind[row]],
            Fate.MAPPED if is_mapped[row] else Fate.UNMAPPED,
        ): total
        for row, total in zip(example.tolist(), totals, strict=True)
    }


def _totals(places: Places, quantities: Integers, count: int) -> list[Total]:
    occurrences = np.bincount(places, minlength=count).tolist()
    return [Total(*each) for each in zip(sum_by_place(places, quantities, count), occurrences, strict=True)]


def _spans(measured: MeasuredBatches, batches: int) -> list[tuple[datetime, datetime] | None]:
    spans: list[tuple[datetime, datetime] | None] = [None] * batches
    batch = measured.events.batch[measured.rows]
    if len(batch):
        first_rows = np.flatnonzero(np.diff(batch, prepend=-1))
        lows = np.minimum.reduceat(measured.at_ms, first_rows).tolist()
        highs = np.maximum.reduceat(measured.at_ms, first_rows).tolist()
        for place, low, high in zip(batch[first_rows].tolist(), lows, highs, strict=True):
            spans[place] = (_EPOCH + low * _MILLISECOND, _EPOCH + high * _MILLISECOND)
    return spans


def _moment(bucket: np.int64) -> datetime:
    return _EPOCH + int(bucket) * QUARTER
