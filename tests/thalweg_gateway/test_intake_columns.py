"""What is read together is what would be read message by message; what is not as usual is left to be judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.keys import derive
from thalweg.wire.text import seal
from thalweg.wire.topics import Channel, device_topic
from thalweg_gateway.intake import Batch, KeyRing, read, read_again
from thalweg_gateway.intake_columns import Senders, read_together
from thalweg_gateway.source import Message
from thalweg_store.assignments import BEGINNING, Assignment, Assignments
from thalweg_store.closing import Closures
from thalweg_store.directory import Device, Directory

ROOT_KEY = bytes(range(32))
RECEIVED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALWAYS = Assignments((Assignment(1, BEGINNING, {}),))
DEVICES = {
    device.name: device
    for device in (
        Device(1, "plain", 1, True, ALWAYS),
        Device(2, "rotated", 3, True, ALWAYS),
        Device(3, "revoked", 1, False, ALWAYS),
        Device(4, "compromised", 2, True, ALWAYS, {1: RECEIVED_AT - timedelta(days=1)}),
    )
}
DIRECTORY = Directory(1, MappingProxyType(DEVICES), 0, None, Closures(()), "epoch")
RING = KeyRing(ROOT_KEY, "eco")


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message, most of them sound, on some topic."""
    name = draw(st.sampled_from([*DEVICES, "plain", "plain", "rotated", "stranger"]))
    key_version = draw(st.integers(1, 4))
    key = derive(ROOT_KEY, "eco", name, key_version).uplink
    is_json = draw(st.booleans())
    writer_class = JsonBatchWriter if is_json else BatchWriter
    writer = writer_class(key, draw(st.integers(0, 2)), key_version=key_version, first_seq=draw(st.integers(0, 9)))
    for at_ms in draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=3)):
        writer.add(Event(10**12 + at_ms, "k", 1, False, {"a": "x"}))
    payload = bytearray(writer.seal(draw(st.sampled_from([0, 1, 1, 1, 2]))))
    if draw(st.integers(0, 4)) == 0:
        payload[draw(st.integers(0, len(payload) - 1))] ^= draw(st.integers(1, 255))
    if draw(st.integers(0, 9)) == 0:
        payload = payload[: draw(st.integers(0, len(payload)))]
    channel = Channel.EVENTS_JSON if is_json else Channel.EVENTS
    channel = draw(st.sampled_from([channel] * 6 + [Channel.EVENTS, Channel.EVENTS_JSON, Channel.STATE]))
    ecosystem = draw(st.sampled_from(["eco"] * 9 + ["other"]))
    topic = draw(st.sampled_from([device_topic(ecosystem, name, channel)] * 9 + ["nonsense", ""]))
    return Message(topic, bytes(payload), RECEIVED_AT, None)


@given(st.lists(messages(), max_size=12))
def test_together_and_one_by_one_are_the_same(taken):
    usual, others = read_together(taken, Senders(DIRECTORY, RING))
    read_back = [read_again(usual.received.batch(row), device, "eco") for row, device in enumerate(usual.devices)]
    judged = [read(message, DIRECTORY, RING) for message in taken]
    alone = [
        each
        for each in judged
        if isinstance(each, Batch) and each.header.time_quality and each.device.name != "compromised"
    ]
    assert [(each.topic, each.device, each.facts, each.header) for each in read_back] == [
        (each.topic, each.device, each.facts, each.header) for each in alone
    ]
    assert usual.key_versions == [each.header.key_version for each in alone]
    assert len(others) == len(taken) - len(alone)


def test_a_message_that_is_no_batch_is_left():
    state = Message(device_topic("eco", "plain", Channel.STATE), seal("s", {}, bytes(32)), RECEIVED_AT, None)
    usual, others = read_together([state], Senders(DIRECTORY, RING))
    assert (len(usual.received), others) == (0, [state])


def test_what_is_known_of_topics_has_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("thalweg_gateway.intake_columns._MAX_KNOWN_TOPICS", 10)
    senders = Senders(DIRECTORY, RING)
    for number in range(100):
        assert senders[f"tw1/eco/stranger-{number}/e"] is None
    assert len(senders) <= 10
