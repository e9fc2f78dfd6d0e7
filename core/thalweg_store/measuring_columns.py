"""What the events of many batches come to under a plan, by columns: `measuring.measure` for all that is as usual.

A batch with anything unusual in it (it cannot be decoded, an event is refused) is left to `measuring`, which says what
it is: so one place knows the reasons, and the usual way is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Integers, Places, added
from thalweg.mapping import Plan
from thalweg.mapping_columns import MeasuredColumn, measure
from thalweg.wire.columns import Columns
from thalweg.wire.columns_decoder import decode
from thalweg_store.batch_columns import ReceivedColumns
from thalweg_store.measuring import CLOCK_TOLERANCE, is_attribute, is_kind, milliseconds


@dataclass(frozen=True, slots=True)
class MeasuredBatches:
    """The events of all usual batches."""

    events: Columns
    #: by batch: whether it is left to `measuring`
    is_unusual: NDArray[np.bool_]
    #: the events of the usual batches, ascending
    rows: Places
    #: Unix time in ms, one for each of `rows`
    at_ms: NDArray[np.int64]
    #: one column for each meter and shape of events; its rows are among `rows`
    measured: list[MeasuredColumn]


@dataclass(frozen=True, slots=True)
class ReadBatches:
    """The events of many batches, before anything is measured."""

    events: Columns
    #: Unix time in ms, one for each event; beyond 64 bits only in unusual batches
    at_ms: Integers
    #: by batch: whether it is left to `measuring`
    is_unusual: NDArray[np.bool_]


def read_together(
    payloads: Sequence[bytes], received_at: Sequence[datetime], offsets_ms: Sequence[int]
) -> ReadBatches:  # fmt: skip
    """The events of batches; each batch's offset is added to its times (0 when the device had a clock)."""
    events = decode(payloads)
    at_ms = added(events.at_ms, np.array(offsets_ms, np.int64)[events.batch])
    latest_ms = np.array(_latest_ms(received_at), np.int64)
    is_unusual = np.zeros(len(payloads), np.bool_)
    is_unusual[list(events.problems)] = True
    is_unusual[events.batch[(at_ms > latest_ms[events.batch]) | (at_ms < 0)]] = True
    is_unusual[events.batch[_badly_named(events)]] = True
    return ReadBatches(events, at_ms, is_unusual)


def measure_together(batches: ReceivedColumns, offsets_ms: Sequence[int], plan: Plan) -> MeasuredBatches:
    """What `plan` measures of the events of `batches`, read as `read_together` does."""
    read = read_together(batches.payloads, batches.received_at, offsets_ms)
    events, at_ms, is_unusual = read.events, read.at_ms, read.is_unusual
    found = measure(plan, events, np.flatnonzero(~is_unusual[events.batch]), at_ms)
    measured = found.columns
    if found.refused:
        is_unusual[events.batch[list(found.refused)]] = True
        measured = [_without(column, is_unusual[events.batch[column.rows]]) for column in measured]
    rows = np.flatnonzero(~is_unusual[events.batch])
    return MeasuredBatches(events, is_unusual, rows, at_ms[rows].astype(np.int64), measured)


def _latest_ms(received_at: Sequence[datetime]) -> list[int]:
    """By batch: the last time that its events can have."""
    moments = {id(moment): moment for moment in received_at}  # what was read together came together
    latest = {place: milliseconds(moment + CLOCK_TOLERANCE) for place, moment in moments.items()}
    return [latest[id(moment)] for moment in received_at]


def _badly_named(events: Columns) -> Places:
    """The events with a name or a text that is not allowed."""
    is_printable = np.array([text.isprintable() for text in events.strings], np.bool_)
    found = [np.array([], np.intp)]
    for shape, rows in events.rows_by_shape(np.arange(len(events))):
        if not is_kind(shape.kind) or not all(is_attribute(name) for name, _ in shape.attributes):
            found.append(rows)
        elif not is_printable.all():
            for place, (_, is_string) in enumerate(shape.attributes):
                if is_string:
                    found.append(rows[~is_printable[events.texts(rows, place)]])
    return np.concatenate(found)


def _without(column: MeasuredColumn, is_left: NDArray[np.bool_]) -> MeasuredColumn:
    kept = ~is_left
    return replace(column, rows=column.rows[kept], quantity=column.quantity[kept], group=column.group[kept])
