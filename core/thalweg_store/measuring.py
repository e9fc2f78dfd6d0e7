"""What the events of a batch come to under a plan. Pure, so that every scan of the same bytes gives the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from thalweg.errors import MeasurementError
from thalweg.mapping import Measurement, Plan
from thalweg.wire.batch import Batch, Event

#: how far a device's clock may run ahead of the gateway's before its events are refused
CLOCK_TOLERANCE: Final = timedelta(seconds=60)
_MAX_UPTIME_MS: Final = 1 << 62
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """The compiled plan of a design with the store's number of each meter."""

    plan: Plan
    #: content hash → number
    numbers: Mapping[str, int]
    #: version of the design; 0 before the first
    design: int


@dataclass(frozen=True, slots=True)
class MeasuredEvent:
    """An event that can be booked; unmapped when `measurements` is empty."""

    seq: int
    at: datetime
    kind: str
    quantity: int
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that cannot be booked; the rest of its batch can."""

    seq: int
    quantity: int
    #: a stable word: clock_ahead, clock_behind, bad_name or unmeasurable
    reason: str
    detail: str


class _RefusalError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


def measure(batch: Batch, received_at: datetime, offset_ms: int, plan: Plan) -> Iterator[MeasuredEvent | RefusedEvent]:
    """Each event of `batch`, in order; `offset_ms` is added to its times (0 when the device had a clock)."""
    latest = received_at + CLOCK_TOLERANCE
    for seq, event in enumerate(batch.events, batch.header.first_seq):
        try:
            at = _checked_time(event.at_ms + offset_ms, latest)
            _check_names(event)
            measurements = _measured(replace(event, at_ms=event.at_ms + offset_ms) if offset_ms else event, plan)
        except _RefusalError as error:
            yield RefusedEvent(seq, event.quantity, error.reason, str(error))
        else:
            yield MeasuredEvent(seq, at, event.kind, event.quantity, measurements)


def uptime_bound_ms(batch: Batch, received_at: datetime) -> int:
    """The largest offset under which no event of an unsynchronised batch was measured after `received_at`."""
    return max(milliseconds(received_at) - max(event.at_ms for event in batch.events), -_MAX_UPTIME_MS)


def milliseconds(moment: datetime) -> int:
    """Unix time in ms, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _checked_time(at_ms: int, latest: datetime) -> datetime:
    """The event's time; old times are legal (devices are offline for long), a time ahead of ours is provably wrong."""
    ahead_ms = at_ms - milliseconds(latest)
    if ahead_ms > 0:
        detail = f"measured {ahead_ms} ms later than the gateway's clock allows: set the device's clock"
        raise _RefusalError("clock_ahead", detail)
    if at_ms < 0:
        raise _RefusalError("clock_behind", "measured before 1970: set the device's clock")
    return _EPOCH + timedelta(milliseconds=at_ms)


def is_kind(name: str) -> bool:
    """Whether events may be of a kind of this name."""
    return _KIND.fullmatch(name) is not None


def is_attribute(name: str) -> bool:
    """Whether an attribute may have this name."""
    return _ATTRIBUTE.fullmatch(name) is not None


def _check_names(event: Event) -> None:
    if not is_kind(event.kind):
        raise _RefusalError("bad_name", f"kind {event.kind!r} does not match {_KIND.pattern}")
    for name, value in event.attributes.items():
        if not is_attribute(name):
            raise _RefusalError("bad_name", f"attribute {name!r} does not match {_ATTRIBUTE.pattern}")
        if isinstance(value, str) and not value.isprintable():
            raise _RefusalError("bad_name", f"the value of attribute {name!r} holds unprintable characters")


def _measured(event: Event, plan: Plan) -> tuple[Measurement, ...]:
    try:
        return plan.measure(event)
    except MeasurementError as error:
        raise _RefusalError("unmeasurable", str(error)) from error
