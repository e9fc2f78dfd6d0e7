"""Decode and verify: from a broker's message to an authentic batch or device state, or to why it is not accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from thalweg.errors import BadSignature, MalformedMessage, UnknownSender, WireError
from thalweg.wire import batch as packed
from thalweg.wire import forms as wire
from thalweg.wire import json_batch, json_rows
from thalweg.wire.batch import Header, digest
from thalweg.wire.keys import DeviceKeys, derive
from thalweg.wire.messages import read_state
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, DeviceTopic, device_topic, parse
from thalweg_gateway.source import Message
from thalweg_store.directory import Device, Directory
from thalweg_store.facts import BootKey, HeardState, ReceivedBatch
from thalweg_store.measuring import CLOCK_TOLERANCE, milliseconds
from thalweg_store.quarantine import Quarantined
from thalweg_store.rejections import Rejection


@dataclass(eq=False)
class Batch:
    """An authentic batch. Its inside is read when somebody asks for it: most batches are decoded many at once.

    Not to be changed; not frozen all the same, which would take longer than everything else about making one.
    """

    topic: DeviceTopic
    device: Device
    facts: ReceivedBatch
    header: Header

    @property
    def decoded(self) -> packed.Batch | None:
        """Its events; None when its inside does not follow the format."""
        return None if isinstance(self._inside, MalformedMessage) else self._inside

    @property
    def problem(self) -> str | None:
        """Why its inside does not follow the format."""
        return str(self._inside) if isinstance(self._inside, MalformedMessage) else None

    @cached_property
    def _inside(self) -> packed.Batch | MalformedMessage:
        try:
            return wire.decode(self.facts.payload)
        except MalformedMessage as error:
            return error


@dataclass(frozen=True, slots=True)
class State:
    """An authentic birth or last will."""

    topic: DeviceTopic
    device: Device
    facts: HeardState


@dataclass(frozen=True, slots=True)
class Untrusted:
    """What is signed with a key that was compromised before it came."""

    arrival: Batch | State
    quarantined: Quarantined


class KeyRing:
    """The device keys of one ecosystem, derived when first needed."""

    def __init__(self, root_key: bytes, ecosystem: str) -> None:
        self._root_key = root_key
        self.ecosystem = ecosystem
        self.keys = lru_cache(maxsize=10_000)(self._derive)

    def _derive(self, device: str, key_version: int) -> DeviceKeys:
        return derive(self._root_key, self.ecosystem, device, key_version)


#: a device's topics come again with every message
_parsed: Final = lru_cache(maxsize=20_000)(parse)


class _Form(NamedTuple):
    """How a channel's batches are read before they are stored."""

    read_header: Callable[[bytes], Header]
    verify: Callable[[bytes, bytes], None]


_FORMS: Final = {
    Channel.EVENTS: _Form(packed.read_header, packed.verify),
    Channel.EVENTS_JSON: _Form(json_rows.read_header, json_batch.verify),
}

#: what a message can turn out to be
Arrival = Batch | State | Untrusted | Rejection


def read(message: Message, directory: Directory, ring: KeyRing, *, is_released: bool = False) -> Arrival:
    """What `message` is, once it is proved to come from the device that its topic names.

    A message signed with a key that was compromised before it came is untrusted, unless an operator released it.
    """
    topic = None
    try:
        topic = _parsed(message.topic)
        device = _sender(topic, directory, ring.ecosystem)
        arrival: Batch | State
        if topic.channel in _FORMS:
            arrival = _read_batch(message, topic, device, ring)
            key_version = arrival.header.key_version
        elif topic.channel is Channel.STATE:
            arrival = _read_state(message, topic, device, ring)
            key_version = arrival.facts.key_version
        else:
            raise MalformedMessage(f"channel {topic.channel!r} does not lead to the gateway")
    except WireError as error:
        return Rejection(
            topic=message.topic,
            ecosystem=topic.ecosystem if topic else "",
            principal=topic.device if topic else "",
            reason=error.reason,
            detail=str(error),
            payload=message.payload,
            received_at=message.received_at,
        )
    if is_released or device.is_trusted(key_version, message.received_at):
        return arrival
    quarantined = Quarantined(
        device=device.id,
        key_version=key_version,
        topic=message.topic,
        payload=message.payload,
        received_at=message.received_at,
    )
    return Untrusted(arrival, quarantined)


def read_again(facts: ReceivedBatch, device: Device, ecosystem: str) -> Batch:
    """A batch that was verified when it was stored."""
    topic = parse(device_topic(ecosystem, device.name, wire.channel_of(facts.payload)))
    return Batch(topic, device, facts, wire.read_header(facts.payload))


def _sender(topic: DeviceTopic, directory: Directory, ecosystem: str) -> Device:
    if topic.ecosystem != ecosystem:  # whoever subscribes wider than a gateway's own ecosystem has these too
        raise UnknownSender("unknown_ecosystem", f"this gateway serves {ecosystem!r}, not {topic.ecosystem!r}")
    device = directory.devices.get(topic.device)
    if device is None:
        raise UnknownSender("unknown_device", f"{topic.device!r} is not registered in {topic.ecosystem!r}")
    if not device.active:
        raise UnknownSender("revoked_device", f"{topic.device!r} was revoked")
    return device


def _read_batch(message: Message, topic: DeviceTopic, device: Device, ring: KeyRing) -> Batch:
    form = _FORMS[topic.channel]
    header = form.read_header(message.payload)
    if not 1 <= header.key_version <= device.key_version:
        known = f"{device.name!r} has key versions 1 to {device.key_version}"
        raise UnknownSender("unknown_key_version", f"key version {header.key_version}; {known}")
    form.verify(message.payload, ring.keys(device.name, header.key_version).uplink)
    payload = message.payload
    key = BootKey(device.id, header.boot)
    facts = ReceivedBatch(key, header.first_seq, header.count, digest(payload), payload, message.received_at)
    return Batch(topic, device, facts, header)


def _read_state(message: Message, topic: DeviceTopic, device: Device, ring: KeyRing) -> State:
    key_version, body = _open_state(message, topic, device, ring)
    state = read_state(body)
    facts = HeardState(
        key=BootKey(device.id, state.boot),
        is_on=state.is_on,
        next_seq=state.next_seq,
        previous=state.previous,
        lost=state.lost,
        offset_ms=_possible(state.offset_ms, body, message),
        key_version=key_version,
        details=state.details,
        heard_at=message.received_at,
    )
    return State(topic, device, facts)


def _open_state(
    message: Message, topic: DeviceTopic, device: Device, ring: KeyRing
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """The key version that verifies a signed text, which does not name it, and the body."""
    for key_version in range(device.key_version, 0, -1):
        try:
            uplink = ring.keys(device.name, key_version).uplink
            return key_version, open_sealed(topic.channel, message.payload, uplink)
        except BadSignature:
            continue
    raise BadSignature(f"no key version of {device.name!r} verifies the text")


def _possible(offset_ms: int | None, body: dict[str, Any], message: Message) -> int | None:
    """A clock that is ahead of the gateway's is provably wrong, so it gives no offset."""
    if offset_ms is None or body["now"] > milliseconds(message.received_at + CLOCK_TOLERANCE):
        return None
    return offset_ms
