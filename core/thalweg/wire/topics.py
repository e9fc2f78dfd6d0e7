"""MQTT topics of protocol 1: `tw1/{ecosystem}/{device}/{channel}`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from thalweg.errors import MalformedMessage

PREFIX: Final = "tw1"
#: Ids of ecosystems, devices, participants and roles; names that begin with an underscore are reserved.
ID_PATTERN: Final = r"[a-z0-9-]{1,32}"
_ID: Final = re.compile(ID_PATTERN)
_GATEWAY: Final = "_gateway"


class Channel(StrEnum):
    """The last part of a topic."""

    EVENTS = "e"  #: device → gateway, QoS 1: signed batches, packed
    EVENTS_JSON = "ej"  #: device → gateway, QoS 1: signed batches in JSON rows, signed text
    STATE = "s"  #: device → gateway, QoS 1, retained: birth and last will, signed text
    RECEIPT = "a"  #: gateway → device, QoS 0: commit receipts, signed text


class DeviceTopic(NamedTuple):
    """A parsed uplink topic."""

    ecosystem: str
    device: str
    channel: Channel


def is_id(text: str) -> bool:
    """Whether `text` may name an ecosystem, device, participant or role."""
    return _ID.fullmatch(text) is not None


def device_topic(ecosystem: str, device: str, channel: Channel) -> str:
    """The topic of one channel of one device; "+" stands for any ecosystem or device in subscriptions."""
    return f"{PREFIX}/{ecosystem}/{device}/{channel}"


def gateway_state_topic(ecosystem: str) -> str:
    """The retained topic that tells an ecosystem's devices whether their events are being taken."""
    return f"{PREFIX}/{ecosystem}/{_GATEWAY}/{Channel.STATE}"


def parse(topic: str) -> DeviceTopic:
    """The parts of a device's uplink topic; raises MalformedMessage."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != PREFIX or not is_id(parts[1]) or not is_id(parts[2]):
        raise MalformedMessage(f"topic {topic!r} is not {PREFIX}/ecosystem/device/channel")
    try:
        return DeviceTopic(parts[1], parts[2], Channel(parts[3]))
    except ValueError:
        raise MalformedMessage(f"topic {topic!r} names an unknown channel") from None
