"""Decode and verify: from a broker's message to an authentic batch or device state, or to a rejection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from thalweg.errors import MalformedMessage, UnknownSender, WireError
from thalweg.wire import batch as wire
from thalweg.wire.keys import DeviceKeys, derive
from thalweg.wire.messages import read_state
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, DeviceTopic, parse
from thalweg_gateway.source import Message
from thalweg_store.ingest import BootKey, HeardState, ReceivedBatch
from thalweg_store.registry import Device, Directory
from thalweg_store.rejections import Rejection


@dataclass(frozen=True, slots=True)
class Batch:
    """An authentic batch. `decoded` is None when its inside does not follow the format; `problem` then says why."""

    topic: DeviceTopic
    device: Device
    facts: ReceivedBatch
    header: wire.Header
    decoded: wire.Batch | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class State:
    """An authentic birth or last will."""

    topic: DeviceTopic
    device: Device
    facts: HeardState


class KeyRing:
    """The device keys of one ecosystem, derived when first needed."""

    def __init__(self, root_key: bytes, ecosystem: str) -> None:
        self._root_key = root_key
        self._ecosystem = ecosystem
        self.keys = lru_cache(maxsize=10_000)(self._derive)

    def _derive(self, device: str, key_version: int) -> DeviceKeys:
        return derive(self._root_key, self._ecosystem, device, key_version)


def read(message: Message, directory: Directory, ring: KeyRing) -> Batch | State | Rejection:
    """What `message` is, once it is proved to come from the device that its topic names."""
    topic = None
    try:
        topic = parse(message.topic)
        device = _sender(topic, directory)
        if topic.channel is Channel.EVENTS:
            return _read_batch(message, topic, device, ring)
        if topic.channel is Channel.STATE:
            return _read_state(message, topic, device, ring)
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


def _sender(topic: DeviceTopic, directory: Directory) -> Device:
    device = directory.devices.get(topic.device)
    if device is None:
        raise UnknownSender("unknown_device", f"{topic.device!r} is not registered in {topic.ecosystem!r}")
    if not device.active:
        raise UnknownSender("revoked_device", f"{topic.device!r} was revoked")
    return device


def _read_batch(message: Message, topic: DeviceTopic, device: Device, ring: KeyRing) -> Batch:
    header = wire.read_header(message.payload)
    if not 1 <= header.key_version <= device.key_version:
        known = f"{device.name!r} has key versions 1 to {device.key_version}"
        raise UnknownSender("unknown_key_version", f"key version {header.key_version}; {known}")
    wire.verify(message.payload, ring.keys(device.name, header.key_version).uplink)
    facts = ReceivedBatch(
        key=BootKey(device.id, header.boot),
        first_seq=header.first_seq,
        count=header.count,
        digest=wire.digest(message.payload),
        payload=message.payload,
        received_at=message.received_at,
    )
    try:
        return Batch(topic, device, facts, header, wire.decode(message.payload), None)
    except MalformedMessage as error:
        return Batch(topic, device, facts, header, None, str(error))


def _read_state(message: Message, topic: DeviceTopic, device: Device, ring: KeyRing) -> State:
    body = open_sealed(topic.channel, message.payload, ring.keys(device.name, device.key_version).uplink)
    state = read_state(body)
    facts = HeardState(
        key=BootKey(device.id, state.boot),
        is_on=state.is_on,
        next_seq=state.next_seq,
        previous=state.previous,
        details=state.details,
        heard_at=message.received_at,
    )
    return State(topic, device, facts)
