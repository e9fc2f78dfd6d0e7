"""A store with a past: full signed batches of a hundred devices, booked by the gateway's own pipeline in order of time.

The past grows backwards: whatever its length, it ends now, and a day of it holds the same. Batches are made from a few
patterns, each with its own device, boot, seqs, time, back link and authentication code.
"""

from __future__ import annotations

import hmac
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire.batch import DIGEST_BYTES, FIRST_OF_BOOT, MAC_BYTES, VERSION, BatchWriter, Event, TimeQuality, digest
from thalweg.wire.keys import derive
from thalweg.wire.topics import Channel, device_topic
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.source import Lag, Message
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

ECOSYSTEM: Final = "ev-charging"
DEVICES: Final = 100
#: participants that the design, or its events, name: the other ninety are hosts
_NAMED: Final = (
    *("drivers", "volt-pass", "e-roamer", "greenmile", "roam-hub"),
    *("city-charge", "river-power", "rivertown", "charge-points", "hosts"),
)
_PROVIDERS: Final = ("volt-pass", "e-roamer", "greenmile")
PARTICIPANTS: Final = (*_NAMED, *(f"host-{number:02}" for number in range(90)))
BATCH_EVENTS: Final = 450
#: mean distance of two events of a device
_STEP_MS: Final = 10_000
#: how long a full batch takes to fill
BATCH_MS: Final = BATCH_EVENTS * _STEP_MS
_PATTERNS: Final = 32
_BATCHES_OF_A_BOOT: Final = 200
_UNDER_WAY: Final = timedelta(seconds=2)
#: batches that one transaction may take
_TAKE: Final = 200
_HEADER: Final = struct.Struct(">BBIIHBQH")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Device:
    """One device with its place in its own numbering."""

    topic: str
    key: bytes
    at_ms: int
    boot: int = 0
    next_seq: int = 0
    previous: bytes = FIRST_OF_BOOT


class PastSource:
    """A broker in memory that holds what the devices sent, in order of time."""

    def __init__(self, root_key: bytes, names: Sequence[str], start: datetime) -> None:
        start_ms = (start - _EPOCH) // timedelta(milliseconds=1)
        self.is_ready = True
        self.left = 0
        self._chance = random.Random(0)  # noqa: S311 - reproducible, no secret
        self._patterns = [_pattern(self._chance) for _ in range(_PATTERNS)]
        self._devices = [
            _Device(
                topic=device_topic(ECOSYSTEM, name, Channel.EVENTS),
                key=derive(root_key, ECOSYSTEM, name, 1).uplink,
                at_ms=start_ms + number * BATCH_MS // len(names),
            )
            for number, name in enumerate(names)
        ]
        self._turn = 0

    def lag(self) -> Lag:
        """What is still to come."""
        return Lag(self.left, None)

    def take(self, limit: int, wait_seconds: float) -> list[Message]:  # noqa: ARG002 - never waits
        """The next batches."""
        count = min(limit, _TAKE, self.left)
        self.left -= count
        return [self._made() for _ in range(count)]

    def commit(self, messages: Sequence[Message]) -> None:
        """Nothing is delivered twice here."""

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Nobody listens."""

    def pause(self) -> None:
        """Nobody has to be told."""

    def resume(self) -> None:
        """Nobody has to be told."""

    def close(self) -> None:
        """Nobody has to be told."""

    def _made(self) -> Message:
        device = self._devices[self._turn % len(self._devices)]
        if self._turn // len(self._devices) % _BATCHES_OF_A_BOOT == 0:
            device.boot, device.next_seq, device.previous = device.boot + 1, 0, FIRST_OF_BOOT
        self._turn += 1
        section, event_bytes = self._chance.choice(self._patterns)
        head = _HEADER.pack(
            *(VERSION, 1, device.boot, device.next_seq, BATCH_EVENTS),
            *(TimeQuality.NTP, device.at_ms, event_bytes),
        )
        body = head + section + device.previous
        payload = body + hmac.digest(device.key, body, "sha256")[:MAC_BYTES]
        device.previous = digest(payload)
        device.next_seq += BATCH_EVENTS
        device.at_ms += BATCH_MS
        received_at = _EPOCH + timedelta(milliseconds=device.at_ms) + _UNDER_WAY
        return Message(device.topic, payload, received_at, None)


class Past:
    """A database that is given a past."""

    def __init__(self, database: Database, root_key: bytes, batches: int, now: datetime) -> None:
        """Registers everything; so many `batches` in all will reach up to `now`."""
        names = [f"cp-{number:03}" for number in range(DEVICES)]
        _register(database, names, now)
        start = now - timedelta(milliseconds=-(-batches // DEVICES) * BATCH_MS)
        self._source = PastSource(root_key, names, start - timedelta(milliseconds=BATCH_MS))
        self._pipeline = Pipeline(self._source, database, ECOSYSTEM, root_key, "bench")

    def book(self, batches: int) -> None:
        """Book the next batches."""
        self._source.left = batches
        while self._source.left:
            self._pipeline.step()


def _register(database: Database, names: Sequence[str], now: datetime) -> None:
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "A hundred participants", {each: each for each in PARTICIPANTS})
    document = text(ECOSYSTEM)
    registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), now)
    hosts = PARTICIPANTS[len(_NAMED) :]
    new = [
        NewDevice(
            name=name,
            operator="city-charge",
            roles={"host": hosts[number % len(hosts)], "charger": "charge-points"},
        )
        for number, name in enumerate(names)
    ]
    registry.ensure_devices(ECOSYSTEM, new, BEGINNING)


def _pattern(chance: random.Random) -> tuple[bytes, int]:
    """What follows the header of a batch, up to the back link, and how much of it are events."""
    writer = BatchWriter(bytes(32), 1)
    moments = sorted(chance.randrange(BATCH_MS) for _ in range(BATCH_EVENTS))
    for moment in moments:
        attributes: dict[str, int | str] = {"emsp": chance.choice(_PROVIDERS)}
        writer.add(Event(moment - moments[0], "charging.session", chance.randrange(100, 8_000), False, attributes))
    payload = writer.seal()
    event_bytes: int = _HEADER.unpack_from(payload)[-1]
    return payload[_HEADER.size : -DIGEST_BYTES - MAC_BYTES], event_bytes
