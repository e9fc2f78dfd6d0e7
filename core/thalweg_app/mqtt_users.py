"""Who may publish and read what at the broker: one user for each device and one for the gateway.

A permission is bound to the user name, never to the client id. The broker acknowledges a publish that it refuses
and drops it; a subscription that it refuses gets the return code 0x80.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thalweg.wire.topics import PREFIX, Channel, device_topic, gateway_state_topic


@dataclass(frozen=True, slots=True)
class MqttUser:
    """A user name, its password, and the MQTT topic filters that it may publish and subscribe to."""

    name: str
    password: str = field(repr=False)
    may_publish: tuple[str, ...]
    may_subscribe: tuple[str, ...]


def device_user(ecosystem: str, device: str, password: str) -> MqttUser:
    """A device: its own events and state upwards; its receipts and the gateway's state downwards."""
    return MqttUser(
        name=device,
        password=password,
        may_publish=(
            device_topic(ecosystem, device, Channel.EVENTS),
            device_topic(ecosystem, device, Channel.STATE),
        ),
        may_subscribe=(device_topic(ecosystem, device, Channel.RECEIPT), gateway_state_topic(ecosystem)),
    )


def gateway_user(name: str, password: str) -> MqttUser:
    """A gateway: all below the protocol's prefix. No device id begins with an underscore, so its name does best."""
    return MqttUser(name, password, may_publish=(f"{PREFIX}/#",), may_subscribe=(f"{PREFIX}/#",))


def nats_user(user: MqttUser) -> dict[str, Any]:
    """The user as the NATS server's configuration has it; an empty list of permissions grants nothing."""

    def allowed(filters: tuple[str, ...]) -> dict[str, list[str]]:
        return {"allow": [subject for one in filters for subject in _subjects(one)]} if filters else {"deny": [">"]}

    return {
        "user": user.name,
        "password": user.password,
        "permissions": {"publish": allowed(user.may_publish), "subscribe": allowed(user.may_subscribe)},
    }


def _subjects(topic_filter: str) -> list[str]:
    """The NATS subjects of an MQTT topic filter whose parts hold neither dots nor blanks."""
    subject = topic_filter.replace("/", ".").replace("+", "*").replace("#", ">")
    # in MQTT, "a/#" includes "a"; in NATS, "a.>" does not
    return [subject.removesuffix(".>"), subject] if subject.endswith(".>") else [subject]
