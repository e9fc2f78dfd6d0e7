"""From measured columns to sums: rollups and tallies of many events. Pure; event by event comes to the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from thalweg.design.quarters import QUARTER_MS, beginning_of
from thalweg.integer_columns import Integers, Places, distinct, sum_by_place
from thalweg.mapping_columns import MeasuredColumn
from thalweg.wire.columns import Columns
from thalweg_store.assignments import Assignments
from thalweg_store.facts import FlowKey, RollupKey, Total

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
#: beyond every possible time in ms, so that (device, time) fits one integer
_DEVICE_STEP: Final = 1 << 47


class AssignedDevice(Protocol):
    """A device's number, and for whom it works when."""

    @property
    def id(self) -> int:
        """Its number in the registry."""

    @property
    def assignments(self) -> Assignments:
        """All of them."""


class EventTally(NamedTuple):
    """Events of one device, quarter hour and kind that share whether they are marked."""

    device: int
    bucket: datetime
    kind: str
    is_marked: bool
    total: Total


@dataclass(frozen=True, slots=True)
class EventRows:
    """Some events of many batches, one entry each."""

    events: Columns
    #: where they are among the events, ascending
    rows: Places
    #: Unix time in ms
    at_ms: NDArray[np.int64]
    devices: Sequence[AssignedDevice]
    #: position of the device
    device: Places
    #: number of the quarter hour since 1970
    bucket: NDArray[np.int64]
    #: ids of assignments, and position of the event's own
    assignments: Sequence[int]
    assignment: Places

    @classmethod
    def of(
        cls, events: Columns, rows: Places, at_ms: NDArray[np.int64], devices: Sequence[AssignedDevice]
    ) -> EventRows:  # fmt: skip
        """The events at `rows`; `devices` has one device for each batch."""
        known = {device.id: device for device in devices}
        places = {number: place for place, number in enumerate(known)}
        device = np.array([places[each.id] for each in devices], np.intp)[events.batch[rows]]
        ordered = list(known.values())
        assignments, assignment = _assignments(ordered, device, at_ms)
        return cls(events, rows, at_ms, ordered, device, at_ms // QUARTER_MS, assignments, assignment)

    def places(self, rows: Places) -> Places:
        """Where these rows of the events are among ours, both ascending."""
        return np.searchsorted(self.rows, rows)

    def flows(self, column: MeasuredColumn, meter: int) -> dict[RollupKey, Total]:
        """What one column of meter number `meter` comes to; its rows are among ours."""
        own = self.places(column.rows)
        example, place = distinct([self.bucket[own], self.assignment[own], column.group], len(own))
        flows: dict[RollupKey, Total] = {}
        rows = own[example]
        moments = _moments(self.bucket[rows])
        for bucket, assignment, group, total in zip(
            self.bucket[rows].tolist(),
            self.assignment[rows].tolist(),
            column.group[example].tolist(),
            _totals(place, column.quantity, len(example)),
            strict=True,
        ):
            flow = FlowKey(meter, self.assignments[assignment], column.groups[group])
            flows.setdefault(RollupKey(moments[bucket], flow), Total()).add(*total)
        return flows

    def tallies(self, is_marked: NDArray[np.bool_]) -> list[EventTally]:
        """The events counted, and their quantities summed, apart by what `is_marked` says of each."""
        kinds = list({shape.kind: None for shape in self.events.shapes})
        kind_of_shape = np.array([kinds.index(shape.kind) for shape in self.events.shapes], np.intp)
        kind = kind_of_shape[self.events.shape[self.rows]]
        example, place = distinct([self.device, self.bucket, kind, is_marked.astype(np.intp)], len(is_marked))
        totals = _totals(place, self.events.quantity[self.rows], len(example))
        moments = _moments(self.bucket[example])
        return [
            EventTally(self.devices[device].id, moments[bucket], kinds[own_kind], is_own_marked, Total(*total))
            for device, bucket, own_kind, is_own_marked, total in zip(
                self.device[example].tolist(),
                self.bucket[example].tolist(),
                kind[example].tolist(),
                is_marked[example].tolist(),
                totals,
                strict=True,
            )
        ]


def _assignments(
    devices: Sequence[AssignedDevice], device: Places, at_ms: NDArray[np.int64]
) -> tuple[list[int], Places]:  # fmt: skip
    """Ids of assignments, and for each event the position of its own: the last of its device that has begun."""
    ids: list[int] = []
    begins: list[int] = []
    for place, each in enumerate(devices):
        for assignment in each.assignments:
            ids.append(assignment.id)
            begins.append(place * _DEVICE_STEP + max(0, -((EPOCH - assignment.valid_from) // MILLISECOND)))
    at = device * _DEVICE_STEP + at_ms
    return ids, np.searchsorted(np.array(begins, np.int64), at, "right") - 1


def _totals(places: Places, quantities: Integers, count: int) -> list[tuple[int, int]]:
    """By place: the sum of quantities, and how many there are."""
    occurrences = np.bincount(places, minlength=count).tolist()
    return list(zip(sum_by_place(places, quantities, count), occurrences, strict=True))


def _moments(buckets: NDArray[np.int64]) -> dict[int, datetime]:
    return {bucket: beginning_of(bucket) for bucket in set(buckets.tolist())}
