"""Decode and verify by columns: the usual batches of one take at once. What is not as usual, `intake.read` judges.

A message is as usual when it is a batch with a clock, of an active device, with a code that is right under one of the
device's keys, none of which was ever compromised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from thalweg.errors import MalformedMessage
from thalweg.integer_columns import Places
from thalweg.wire import batch as packed
from thalweg.wire import json_rows, text
from thalweg.wire.batch import TimeQuality, digest
from thalweg.wire.header_columns import Headers, read_headers
from thalweg.wire.topics import Channel, parse
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.source import Message
from thalweg_store.batch_columns import ReceivedColumns
from thalweg_store.directory import Device, Directory

_MAX_KNOWN_TOPICS: Final = 100_000
_Check = Callable[[bytes], bool]


class Sender(NamedTuple):
    """Who sends batches on one topic."""

    device: Device
    is_json: bool
    #: by key version, from 1 on: whether a batch's code is right
    checks: tuple[_Check, ...]


class Senders(dict[str, Sender | None]):
    """By topic, under one directory; None where messages have to be judged one by one."""

    def __init__(self, directory: Directory, ring: KeyRing) -> None:
        self._directory = directory
        self._ring = ring

    def __missing__(self, topic: str) -> Sender | None:
        if len(self) >= _MAX_KNOWN_TOPICS:
            self.clear()
        sender = self[topic] = self._sender(topic)
        return sender

    def _sender(self, topic: str) -> Sender | None:
        try:
            ecosystem, name, channel = parse(topic)
        except MalformedMessage:
            return None
        device = self._directory.devices.get(name)
        is_batch = channel in (Channel.EVENTS, Channel.EVENTS_JSON)
        if ecosystem != self._ring.ecosystem or not is_batch or device is None:
            return None
        if not device.active or device.compromised:
            return None
        keys = [self._ring.keys(name, version).uplink for version in range(1, device.key_version + 1)]
        is_json = channel is Channel.EVENTS_JSON
        checks = [text.checker(channel, key) if is_json else packed.checker(key) for key in keys]
        return Sender(device, is_json, tuple(checks))


class UsualBatches(NamedTuple):
    """Authentic batches, one row each."""

    received: ReceivedColumns
    devices: list[Device]
    key_versions: list[int]


def read_together(messages: Sequence[Message], senders: Senders) -> tuple[UsualBatches, list[Message]]:
    """The usual batches among `messages`, and the messages that are left to be judged."""
    known = [senders[message.topic] for message in messages]
    heads = _heads(known, messages)
    is_possible = heads.is_valid & (heads.key_version > 0) & (heads.time_quality != TimeQuality.UNSYNCHRONISED)
    rows: list[int] = []
    digests: list[bytes] = []
    others: list[Message] = []
    for row, (message, sender, version, is_well_formed) in enumerate(
        zip(messages, known, heads.key_version.tolist(), is_possible.tolist(), strict=True)
    ):
        payload = message.payload
        if (
            is_well_formed
            and sender is not None
            and version <= len(sender.checks)
            and sender.checks[version - 1](payload)
        ):
            rows.append(row)
            digests.append(digest(payload))
        else:
            others.append(message)
    return _usual(messages, known, heads, np.array(rows, np.intp), digests), others


def _heads(senders: Sequence[Sender | None], messages: Sequence[Message]) -> Headers:
    """The headers of all messages, whichever form each of them has; those of nobody's are read and mean nothing."""
    payloads = [message.payload for message in messages]
    texts = [row for row, sender in enumerate(senders) if sender is not None and sender.is_json]
    if not texts:
        return read_headers(payloads)
    if len(texts) == len(payloads):
        return json_rows.read_headers(payloads)
    return read_headers(payloads).with_rows(texts, json_rows.read_headers([payloads[row] for row in texts]))


def _usual(
    messages: Sequence[Message],
    senders: Sequence[Sender | None],
    heads: Headers,
    rows: Places,
    digests: list[bytes],
) -> UsualBatches:
    places = rows.tolist()
    devices = [sender.device for place in places if (sender := senders[place]) is not None]
    received = ReceivedColumns(
        np.array([device.id for device in devices], np.int64),
        heads.boot[rows],
        heads.first_seq[rows],
        heads.count[rows],
        digests,
        [messages[place].payload for place in places],
        [messages[place].received_at for place in places],
    )
    return UsualBatches(received, devices, heads.key_version[rows].tolist())
