"""Writes event batches in JSON rows, as `docs/protocol.md` asks of anybody who does."""

from __future__ import annotations

import json
from typing import Any

from thalweg.wire import json_batch, text
from thalweg.wire.batch import FIRST_OF_BOOT, MAX_BATCH_BYTES, VERSION, Event, TimeQuality, digest
from thalweg.wire.topics import Channel


class JsonBatchWriter:
    """Builds batches of one boot, event by event; `batch.BatchWriter` does the same for the packed form.

    An exchange names its receiver in the attribute `to`.
    """

    def __init__(self, uplink_key: bytes, boot: int, *, key_version: int = 1, first_seq: int = 0) -> None:
        self._key = uplink_key
        self._key_version = key_version
        self._boot = boot
        self._next_seq = first_seq
        self._previous = FIRST_OF_BOOT
        self._events: list[Event] = []

    @property
    def count(self) -> int:
        """Events in the unsealed batch."""
        return len(self._events)

    def add(self, event: Event) -> None:
        """Append one event."""
        self._events.append(event)

    def seal(self, time_quality: int = TimeQuality.NTP) -> bytes:
        """The signed text of what was added since the last one; raises ValueError for what it cannot carry."""
        if not self._events:
            raise ValueError("nothing to seal")
        body: dict[str, Any] = {
            "v": VERSION,
            "key": self._key_version,
            "boot": self._boot,
            "seq": self._next_seq,
            "q": time_quality,
            "at": self._events[0].at_ms,
        }
        if self._previous != FIRST_OF_BOOT:
            body["prev"] = self._previous.hex()
        times = [self._events[0].at_ms, *(event.at_ms for event in self._events)]
        body["rows"] = [row_of(event, event.at_ms - before) for event, before in zip(self._events, times, strict=False)]
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        batch = text.sign(Channel.EVENTS_JSON, raw, self._key)
        if len(batch) > MAX_BATCH_BYTES:
            raise ValueError(f"{len(batch)} bytes; a batch has at most {MAX_BATCH_BYTES}")
        self._previous = digest(batch)
        self._next_seq += len(self._events)
        self._events = []
        return batch


def row_of(event: Event, step_ms: int) -> list[Any]:
    """One event as a row; raises ValueError for an exchange without a receiver."""
    attributes = dict(event.attributes)
    row: list[Any] = [step_ms, event.kind, event.quantity]
    if event.is_exchange:
        if json_batch.TO not in attributes:
            raise ValueError(
                f"the exchange of {event.kind!r} names no receiver: give it the attribute {json_batch.TO!r}"
            )
        to = attributes.pop(json_batch.TO)
        return [*row, attributes, to]
    return [*row, attributes] if attributes else row
