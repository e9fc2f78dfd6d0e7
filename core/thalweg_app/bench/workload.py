"""The messages that a benchmark sends: real signed batches of charging sessions, made before the clock starts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.topics import Channel

_EMSPS: Final = ("volt-pass", "e-roamer", "greenmile")
_WRITERS: Final[Mapping[str, type[BatchWriter | JsonBatchWriter]]] = {
    Channel.EVENTS: BatchWriter,
    Channel.EVENTS_JSON: JsonBatchWriter,
}
#: a device records about an event a second
_STEP_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Device:
    """One simulated device."""

    name: str
    password: str
    keys: DeviceKeys


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """One message and the seqs that it carries."""

    payload: bytes
    #: half-open
    end_seq: int


def sealed_batches(
    device: Device, boot: int, events: int, batches: int, end_ms: int, channel: str = Channel.EVENTS
) -> list[SealedBatch]:
    """`batches` batches of `events` sessions each, about a second apart, all before `end_ms` (Unix time).

    Their form is that of the channel. The same device and boot give the same bytes.
    """
    writer = _WRITERS[channel](device.keys.uplink, boot)
    sealed: list[SealedBatch] = []
    for recorded in recorded_events(device, boot, events, batches, end_ms):
        for event in recorded:
            writer.add(event)
        sealed.append(SealedBatch(writer.seal(), (len(sealed) + 1) * events))
    return sealed


def recorded_events(device: Device, boot: int, events: int, batches: int, end_ms: int) -> Iterator[list[Event]]:
    """What `sealed_batches` seals, batch by batch; its quantities are Wh."""
    chance = random.Random(f"{device.name}/{boot}")  # noqa: S311 - reproducible, no secret
    at_ms = end_ms - _STEP_MS * events * batches
    for _ in range(batches):
        recorded = []
        for _ in range(events):
            at_ms += chance.randrange(1, _STEP_MS)
            wh = chance.randrange(100, 8_000)
            recorded.append(Event(at_ms, "charging.session", wh, False, {"emsp": chance.choice(_EMSPS)}))
        yield recorded
