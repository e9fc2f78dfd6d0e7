from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.errors import SetupError
from thalweg.wire.topics import Channel, device_topic, gateway_state_topic
from thalweg_gateway.mqtt_source import MqttAddress, MqttSource
from thalweg_gateway.source import Message
from worlds.brokers import PASSWORD, Broker, mosquitto, nats, wait_for

pytestmark = pytest.mark.slow
ECOSYSTEM = "ev-test"
DEVICE = "cp-01"
EVENTS = device_topic(ECOSYSTEM, DEVICE, Channel.EVENTS)


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="thalweg-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        opened = nats(folder / "n", ECOSYSTEM, [DEVICE]) if request.param == "nats" else mosquitto(folder / "m")
        with opened as running:
            yield running


def open_source(broker: Broker, client_id: str = "gateway-1") -> MqttSource:
    source = MqttSource(MqttAddress.parse(broker.url("_gateway")), ECOSYSTEM, client_id)
    wait_for(lambda: source.take(0, 0.05) == [] and source.is_ready, "the source is subscribed")
    return source


class Device:
    """A device that is not ours: plain paho."""

    def __init__(self, broker: Broker) -> None:
        self.states: list[dict[str, str]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
        self.client.username_pw_set(DEVICE, PASSWORD)
        self.client.on_message = lambda _client, _data, message: self.states.append(json.loads(message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe(gateway_state_topic(ECOSYSTEM), 0)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        wait_for(self.client.is_connected, "the device is connected")

    def send(self, *payloads: bytes) -> None:
        for payload in payloads:
            sent = self.client.publish(EVENTS, payload, qos=1)
            wait_for(sent.is_published, "the broker has acknowledged")

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def take(source: MqttSource, count: int) -> list[Message]:
    taken: list[Message] = []
    wait_for(
        lambda: bool(taken.extend(source.take(count - len(taken), 0.1)) or len(taken) >= count), f"{count} messages"
    )
    return taken


def test_what_was_not_committed_comes_again_and_what_was_does_not(broker: Broker) -> None:
    source = open_source(broker)
    device = Device(broker)
    device.send(b"one", b"two", b"three")
    messages = take(source, 3)
    assert [message.payload for message in messages] == [b"one", b"two", b"three"]
    source.commit(messages[:1])
    source.take(1, 0.2)  # lets the acknowledgement leave
    source.close()
    again = open_source(broker)
    assert [message.payload for message in take(again, 2)] == [b"two", b"three"]
    assert again.take(10, 0.5) == []
    again.close()
    device.stop()


def test_messages_sent_while_the_gateway_is_away_wait_for_it(broker: Broker) -> None:
    open_source(broker).close()
    device = Device(broker)
    device.send(b"meanwhile")
    device.stop()
    source = open_source(broker)
    assert [message.payload for message in take(source, 1)] == [b"meanwhile"]
    source.close()


def test_a_token_of_a_lost_connection_acknowledges_nothing_on_the_next(broker: Broker) -> None:
    source = open_source(broker)
    device = Device(broker)
    device.send(b"one")
    old = take(source, 1)
    connection = source._client.socket()
    assert connection is not None
    connection.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: source.take(0, 0.1) == [] and source._connection == 2 and source.is_ready, "the source is back")
    source.commit(old)
    source.close()
    again = open_source(broker)
    assert [message.payload for message in take(again, 1)] == [b"one"], "it was never committed on its connection"
    again.close()
    device.stop()


def test_devices_are_told_when_the_gateway_takes_events_and_when_not(broker: Broker) -> None:
    source = open_source(broker)
    device = Device(broker)
    wait_for(lambda: [state["state"] for state in device.states] == ["on"], "the retained state")
    source.pause()
    source.take(0, 0.1)
    wait_for(lambda: device.states[-1]["state"] == "off", "paused")
    source.resume()
    source.take(0, 0.1)
    wait_for(lambda: device.states[-1]["state"] == "on", "resumed")
    assert device.states[0]["instance"] != device.states[-1]["instance"], "a new instance asks devices to send again"
    source.close()
    wait_for(lambda: device.states[-1]["state"] == "off", "closed")
    device.stop()


def test_the_broker_announces_a_gateway_that_died(broker: Broker) -> None:
    source = open_source(broker)
    device = Device(broker)
    wait_for(lambda: bool(device.states), "the retained state")
    connection = source._client.socket()
    assert connection is not None
    connection.close()  # as kill -9 does
    wait_for(lambda: device.states[-1]["state"] == "off", "the last will")
    device.stop()


def test_a_refused_subscription_says_which_topics_the_user_must_be_allowed() -> None:
    with tempfile.TemporaryDirectory(prefix="thalweg-") as name, nats(Path(name), ECOSYSTEM, [DEVICE]) as broker:
        source = MqttSource(MqttAddress.parse(broker.url(DEVICE)), ECOSYSTEM, DEVICE)
        with pytest.raises(SetupError, match=r"refused the subscription to tw1/ev-test/\+/e"):
            wait_for(lambda: bool(source.take(1, 0.1)), "a refusal")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://user:p%40ss@host", MqttAddress("host", 1883, False, "user", "p@ss")),
        ("mqtts://host:9999", MqttAddress("host", 9999, True, None, None)),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: MqttAddress) -> None:
    assert MqttAddress.parse(url) == address


@pytest.mark.parametrize("url", ["", "host:1883", "http://host", "mqtt://"])
def test_what_is_no_broker_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(SetupError, match="mqtt://user:password@host:1883"):
        MqttAddress.parse(url)
