"""What a profile made of a message, part by part: whose it is, and under which key it counts once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from thalweg.profiles import Found, Reader, Reading, Refused
from thalweg.wire.batch import digest
from thalweg.wire.json_writer import row_of
from thalweg_store.directory import Device, Directory
from thalweg_store.facts import BootKey
from thalweg_store.foreign import CounterKey, ProfileVersion, SourceKey


class ForeignSource(NamedTuple):
    """A compiled profile with its number in the store."""

    reader: Reader
    version: ProfileVersion


class ForeignMessage(NamedTuple):
    """One record and what its profile makes of it."""

    reading: Reading
    #: what is kept of it where it is rejected
    payload: bytes
    #: where it came from: a topic, or the name of a file
    topic: str
    received_at: datetime
    #: what its transport calls it; the only identity of records whose profile names none
    transport_id: str


@dataclass(slots=True)
class Part:
    """One event or refusal on its way."""

    message: ForeignMessage
    found: Found | Refused
    device: Device | None
    #: None for readings of counters: their times tell them apart
    key: SourceKey | None
    #: of what it says
    digest: bytes


def parts_of(message: ForeignMessage, source: ForeignSource, directory: Directory) -> Iterator[Part]:
    """The parts of `message`; what comes from no active device is refused."""
    for place, found in enumerate(message.reading):
        device = directory.devices.get(found.device) if found.device is not None else None
        said: Found | Refused = found
        if isinstance(found, Found):
            if device is None:
                said = Refused("unknown_device", f"{found.device!r} is not registered", None, found.identity)
            elif not device.active:
                said = Refused("revoked_device", f"{found.device!r} was revoked", found.device, found.identity)
        is_reading = isinstance(said, Found) and said.counter is not None
        key = None if is_reading else SourceKey(source.version.profile, _key(message, said, place))
        yield Part(message, said, device, key, _digest_of(said, message))


def _key(message: ForeignMessage, found: Found | Refused, place: int) -> bytes:
    """16 bytes that stand for the identity of a part; its transport's where its source gives none."""
    named = ["source", found.identity] if found.identity is not None else ["transport", message.transport_id, place]
    return digest(json.dumps(named).encode())


def conflict_key(key: SourceKey, said: bytes) -> SourceKey:
    """Under which a contradiction to what `key` stands for is rejected once."""
    return SourceKey(key.profile, digest(b"conflict" + key.key + said))


def _digest_of(found: Found | Refused, message: ForeignMessage) -> bytes:
    if isinstance(found, Refused):
        return digest(message.payload)
    return digest(json.dumps([found.device, found.event.at_ms, row_of(found.event, 0)], sort_keys=True).encode())


def boot_of(part: Part, source: ForeignSource) -> BootKey:
    """The boot of the batch that an event becomes."""
    assert part.device is not None
    return BootKey(part.device.id, source.version.id)


def counter_of(part: Part, source: ForeignSource) -> CounterKey | None:
    """The counter that a reading is of; None for any other part."""
    if not isinstance(part.found, Found) or part.found.counter is None or part.device is None:
        return None
    return CounterKey(part.device.id, f"{source.reader.profile.id}/{part.found.counter}")
