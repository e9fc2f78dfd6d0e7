"""Every kind of source on every broker that serves it, and a device beside it."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.wire.topics import Channel, device_topic, gateway_state_topic
from thalweg_app.nats import GATEWAY
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.mqtt_source import MqttSource
from thalweg_gateway.nats_link import NatsAddress
from thalweg_gateway.nats_source import NatsSource
from thalweg_gateway.nats_stream import StreamOptions
from thalweg_gateway.source import Message
from worlds.brokers import PASSWORD, Broker, NatsBroker, mosquitto, nats, wait_for

ECOSYSTEM = "ev-test"
DEVICE = "cp-01"
EVENTS = device_topic(ECOSYSTEM, DEVICE, Channel.EVENTS)
RECEIPTS = device_topic(ECOSYSTEM, DEVICE, Channel.RECEIPT)
#: so that a test need not wait half a minute for what a dead connection held
ACK_WAIT_SECONDS = 2


@dataclass
class Scene:
    """A broker, and how to open sources on it."""

    kind: str
    broker: Broker

    def open(self, instance: str = "gateway-1", *, share: str = "") -> MqttSource | NatsSource:
        """A source that takes events."""
        source = self.make(instance, share=share)
        wait_for(lambda: source.take(0, 0.05) == [] and source.is_ready, "the source is subscribed")
        return source

    def make(self, instance: str = "gateway-1", *, share: str = "", **options: Any) -> MqttSource | NatsSource:
        """A source that begins to connect."""
        door = MqttAddress.parse(self.broker.url(GATEWAY))
        if self.kind == "mqtt":
            return MqttSource(door, ECOSYSTEM, instance, share)
        assert isinstance(self.broker, NatsBroker)
        address = NatsAddress.parse(self.broker.server.nats_url(GATEWAY))
        settings = StreamOptions(**{"ack_wait_seconds": ACK_WAIT_SECONDS, **options})
        return NatsSource(address, [door], ECOSYSTEM, instance, settings)


@contextmanager
def scene(kind: str, broker: str, *, is_guarded: bool = False) -> Iterator[Scene]:
    """`kind` is a source, `broker` a server."""
    with tempfile.TemporaryDirectory(prefix="thalweg-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        if broker == "nats":
            with nats(folder / "n", ECOSYSTEM, [DEVICE], is_guarded=is_guarded) as running:
                yield Scene(kind, running)
        else:
            with mosquitto(folder / "m") as running_mosquitto:
                yield Scene(kind, running_mosquitto)


def cut(source: MqttSource | NatsSource) -> None:
    """Break the connection that events come on, as a network does, and wait until there is another."""
    if isinstance(source, NatsSource):
        link = source._link
        assert link is not None
        link.break_off()
        wait_for(lambda: source._link not in (None, link) and source.is_ready, "the source is back")
    else:
        connection, number = source._client.socket(), source._connection
        assert connection is not None
        connection.shutdown(socket.SHUT_RDWR)
        wait_for(
            lambda: source.take(0, 0.1) == [] and source._connection > number and source.is_ready, "the source is back"
        )


class Device:
    """A device that is not ours: plain paho."""

    def __init__(self, broker: Broker) -> None:
        self.states: list[dict[str, str]] = []
        self.receipts: list[bytes] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
        self.client.username_pw_set(DEVICE, PASSWORD)
        self.client.on_message = lambda _client, _data, message: self.states.append(json.loads(message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe(gateway_state_topic(ECOSYSTEM), 0)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        wait_for(self.client.is_connected, "the device is connected")

    @property
    def last_state(self) -> str | None:
        return self.states[-1]["state"] if self.states else None

    def hear_receipts(self) -> None:
        """Subscribe to them, and wait until that is granted."""
        self.client.message_callback_add(
            RECEIPTS, lambda _client, _data, message: self.receipts.append(message.payload)
        )
        granted = threading.Event()
        self.client.on_subscribe = lambda *_: granted.set()
        self.client.subscribe(RECEIPTS, 0)
        assert granted.wait(30)

    def send(self, *payloads: bytes) -> None:
        for payload in payloads:
            sent = self.client.publish(EVENTS, payload, qos=1)
            wait_for(sent.is_published, "the broker has acknowledged")

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def take(source: MqttSource | NatsSource, count: int) -> list[Message]:
    taken: list[Message] = []
    wait_for(
        lambda: bool(taken.extend(source.take(count - len(taken), 0.1)) or len(taken) >= count), f"{count} messages"
    )
    return taken
