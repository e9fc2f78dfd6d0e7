"""Sum: what the usual batches of one transaction come to, by columns. Pure; event by event comes to the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from thalweg_store.directory import Device
from thalweg_store.facts import Fate, RollupKey, TallyKey, Total
from thalweg_store.flow_columns import EPOCH, MILLISECOND, EventRows
from thalweg_store.measuring_columns import MeasuredBatches


@dataclass(frozen=True, slots=True)
class Sums:
    """What the events of many batches come to."""

    rollups: Mapping[RollupKey, Total]
    tallies: Mapping[TallyKey, Total]
    #: by batch: times of its first and last event; None for a batch that is not among the usual ones
    spans: list[tuple[datetime, datetime] | None]


def sum_up(measured: MeasuredBatches, devices: Sequence[Device], numbers: Mapping[str, int]) -> Sums:
    """The sums of `measured`; `devices` are those of its batches, `numbers` those of the meters (by content hash)."""
    rows = EventRows.of(measured.events, measured.rows, measured.at_ms, devices)
    rollups: dict[RollupKey, Total] = {}
    is_mapped = np.zeros(len(measured.rows), np.bool_)
    for column in measured.measured:
        is_mapped[rows.places(column.rows)] = True
        for key, total in rows.flows(column, numbers[column.meter_hash]).items():
            rollups.setdefault(key, Total()).add(total.quantity, total.occurrences)
    tallies = {
        TallyKey(each.device, each.bucket, each.kind, Fate.MAPPED if each.is_marked else Fate.UNMAPPED): each.total
        for each in rows.tallies(is_mapped)
    }
    return Sums(rollups, tallies, _spans(measured, len(devices)))


def _spans(measured: MeasuredBatches, batches: int) -> list[tuple[datetime, datetime] | None]:
    spans: list[tuple[datetime, datetime] | None] = [None] * batches
    batch = measured.events.batch[measured.rows]
    if len(batch):
        first_rows = np.flatnonzero(np.diff(batch, prepend=-1))
        lows = np.minimum.reduceat(measured.at_ms, first_rows).tolist()
        highs = np.maximum.reduceat(measured.at_ms, first_rows).tolist()
        for place, low, high in zip(batch[first_rows].tolist(), lows, highs, strict=True):
            first_at = EPOCH + low * MILLISECOND
            spans[place] = (first_at, first_at if high == low else EPOCH + high * MILLISECOND)
    return spans
