"""What devices really send, to the edge of what the format can carry: batches and states, in order."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any, Final

from thalweg.wire.batch import MAX_ATTRIBUTES, MAX_STRING_BYTES, AttributeValue, BatchWriter, Event, TimeQuality
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.topics import Channel
from thalweg_app.fuzz.senders import Sender

_PROVIDERS: Final = ("volt-pass", "e-roamer", "greenmile")
_EDGES: Final = (0, 1, -1, (1 << 31) - 1, 1 << 31, 1 << 53, (1 << 63) - 1, -(1 << 63), 1 << 62, 300)
_TEXTS: Final = (
    "",
    " ",
    "city",
    "\x00",
    "\x7f",
    "\u2028",
    "é",
    "😀" * 60,
    "x" * MAX_STRING_BYTES,
    "\U0010ffff",
    "%s'\"\\",
)
_NAMES: Final = ("charging.session", "occupancy", "energy", "", "UPPER", "a" * 64, "a" * 65, "x y", "\x00", "é", "_")
#: how large most batches are, and some
_SIZES: Final = (1, 1, 1, 1, 2, 2, 3, 5, 8, 20)
_FULL: Final = 450
_EDGE_SHARE: Final = 0.08
_FULL_SHARE: Final = 0.001
_RESTART_SHARE: Final = 0.1
_UNSYNCHRONISED_SHARE: Final = 0.15
_JSON_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """One valid message."""

    sender: Sender
    channel: Channel
    payload: bytes

    @property
    def topic(self) -> str:
        """Where it belongs."""
        return self.sender.topic(self.channel)


@dataclass(slots=True)
class Device:
    """One sender in its present boot."""

    sender: Sender
    chance: random.Random
    boot: int = 0
    previous: tuple[int, int] | None = None
    _next_seq: int = 0
    _is_synchronised: bool = True
    _writer: BatchWriter | JsonBatchWriter = field(init=False)

    def __post_init__(self) -> None:
        self._start()

    def batch(self, now_ms: int) -> Sample:
        """Its next batch."""
        chance = self.chance
        if chance.random() < _RESTART_SHARE:
            self._start()
        count = _FULL if chance.random() < _FULL_SHARE else chance.choice(_SIZES)
        at_ms = now_ms - chance.randrange(100_000) if self._is_synchronised else chance.randrange(1 << 30)
        for _ in range(count):
            self._writer.add(_edge_event(chance, at_ms) if chance.random() < _EDGE_SHARE else _event(chance, at_ms))
            at_ms += chance.randrange(3_000) // count
        self._next_seq += count
        quality = TimeQuality.NTP if self._is_synchronised else TimeQuality.UNSYNCHRONISED
        channel = Channel.EVENTS if isinstance(self._writer, BatchWriter) else Channel.EVENTS_JSON
        return Sample(self.sender, channel, self._writer.seal(quality))

    def state(self, now_ms: int) -> Sample:
        """A birth or last will."""
        chance = self.chance
        body: dict[str, Any] = {"state": chance.choice(("on", "on", "on", "off")), "boot": self.boot}
        body["next"] = self._next_seq
        if body["state"] == "on":
            is_set = self._is_synchronised or chance.random() < _EDGE_SHARE
            clock = {"up": chance.randrange(1 << 30), "now": now_ms * is_set, "q": int(is_set)}
            body |= {"fw": "0.2.0", "hw": "esp32", **clock, "kinds": {"energy": {"unit": "Wh", "fields": ["emsp"]}}}
            if self.previous:
                body["prev"] = {"boot": self.previous[0], "next": self.previous[1]}
        text = _json(body)
        return Sample(self.sender, Channel.STATE, self.sender.sign_text(Channel.STATE, text))

    def _start(self) -> None:
        """Begin a new boot."""
        if self._next_seq:
            self.previous = self.boot, self._next_seq
        self.boot = self.chance.randrange(1, 1 << 32)
        self._next_seq = 0
        self._is_synchronised = self.chance.random() >= _UNSYNCHRONISED_SHARE
        version = self.chance.randrange(len(self.sender.uplink_keys))
        writer = JsonBatchWriter if self.chance.random() < _JSON_SHARE else BatchWriter
        self._writer = writer(self.sender.uplink_keys[version], self.boot, key_version=version + 1)


def _event(chance: random.Random, at_ms: int) -> Event:
    if chance.random() < 0.2:
        return Event(at_ms, "occupancy", 1, True, {"to": "city", "seconds": chance.randrange(3600)})
    return Event(at_ms, "charging.session", chance.randrange(40_000), False, {"emsp": chance.choice(_PROVIDERS)})


def _edge_event(chance: random.Random, at_ms: int) -> Event:
    """An event with something about it that is allowed on the wire, though not everywhere behind it."""
    names = [chance.choice((f"a{number}", "emsp", "to", f"B {number}")) for number in range(MAX_ATTRIBUTES + 1)]
    attributes: dict[str, AttributeValue] = {
        name: chance.choice(_TEXTS) if chance.random() < 0.6 else chance.choice(_EDGES)
        for name in names[: chance.randrange(MAX_ATTRIBUTES + 1)]
    }
    at_ms = chance.choice((at_ms, at_ms, at_ms, at_ms + 10_000_000, 0, 1))
    kind = chance.choice(_NAMES)
    is_exchange = kind == "occupancy" or chance.random() < 0.1
    if is_exchange:
        attributes = dict([*attributes.items()][: MAX_ATTRIBUTES - 1]) | {"to": chance.choice(_TEXTS)}
    return Event(at_ms, kind, chance.choice(_EDGES), is_exchange, attributes)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
