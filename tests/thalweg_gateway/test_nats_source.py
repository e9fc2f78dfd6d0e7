"""What only the source for NATS has to get right."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from thalweg.errors import SetupError
from thalweg_app.local_system import free_port
from thalweg_app.nats import GATEWAY, MAX_STORE_BYTES
from thalweg_gateway import nats_source
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.nats_link import Link, NatsAddress
from thalweg_gateway.nats_pulls import PULL
from thalweg_gateway.nats_source import NatsSource
from thalweg_gateway.nats_stream import STREAM, StreamOptions
from worlds.brokers import PASSWORD, NatsBroker, wait_for
from worlds.sources import ACK_WAIT_SECONDS, DEVICE, ECOSYSTEM, EVENTS, Device, Scene, scene, take

pytestmark = pytest.mark.slow
PAYLOAD_BYTES = 1000


@pytest.fixture
def place() -> Iterator[Scene]:
    with scene("nats", "nats") as opened:
        yield opened


def configuration(broker: NatsBroker) -> dict[str, Any]:
    """The stream's, as the server has it."""
    address = NatsAddress.parse(broker.server.nats_url(GATEWAY))
    link = Link(*address.hosts[0], address)
    answer = link.ask(f"$JS.API.STREAM.INFO.{STREAM}")
    link.close()
    return dict(answer["config"])


def fill(broker: NatsBroker, messages: int) -> list[bytes]:
    """What the server acknowledges of so many messages before it closes the connection."""
    acknowledged: list[bytes] = []
    sent: dict[int, bytes] = {}
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
    client.username_pw_set(DEVICE, PASSWORD)
    client.on_publish = lambda _client, _data, mid, _reason, _properties: acknowledged.append(sent[mid])
    client.connect("127.0.0.1", broker.port)
    wait_for(lambda: client.loop(0.1) == MQTTErrorCode.MQTT_ERR_SUCCESS and client.is_connected(), "connected")
    for number in range(messages):
        payload = b"%d" % number + b" " * PAYLOAD_BYTES
        sent[client.publish(EVENTS, payload, qos=1).mid] = payload
        while client.is_connected() and len(acknowledged) < len(sent):
            client.loop(0.1)
        if not client.is_connected():
            break
    client.disconnect()
    return acknowledged


@pytest.mark.parametrize("is_full_by", ["bytes", "messages of one device"])
def test_a_full_stream_acknowledges_nothing_more_and_loses_nothing(
    place: Scene, is_full_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(place.broker, NatsBroker)
    if is_full_by == "bytes":
        options, room = {"max_bytes": 64_000}, 60
    else:
        monkeypatch.setattr("thalweg_gateway.nats_stream.MAX_MESSAGES_OF_ONE_SUBJECT", 40)
        options, room = {}, 40
    source = place.make(**options)
    wait_for(lambda: source.is_ready, "a gateway has been there")
    source.close()
    acknowledged = fill(place.broker, 2 * room)
    assert room / 2 < len(acknowledged) <= room
    again = place.make(**options)
    taken = take(again, len(acknowledged))
    again.commit(taken)
    assert {message.payload for message in taken} >= set(acknowledged)
    device = Device(place.broker)
    device.send(b"there is room again")
    assert take(again, 1)[0].payload == b"there is room again"
    again.close()
    device.stop()


def test_a_stream_that_the_server_made_itself_becomes_what_it_must_be(place: Scene) -> None:
    assert isinstance(place.broker, NatsBroker)
    Device(place.broker).stop()  # at the first MQTT client, the server makes the stream
    assert configuration(place.broker)["discard"] == "old"
    place.open().close()
    made = configuration(place.broker)
    assert (made["discard"], made["discard_new_per_subject"]) == ("new", True)
    assert (made["retention"], made["storage"], made["allow_msg_ttl"]) == ("interest", "file", True)
    assert made["max_bytes"] == StreamOptions().max_bytes


def test_a_stream_larger_than_the_servers_store_is_refused_with_the_servers_reason(place: Scene) -> None:
    source = place.make(max_bytes=2 * MAX_STORE_BYTES)
    with pytest.raises(SetupError, match="insufficient storage"):
        wait_for(lambda: bool(source.take(1, 0.1)), "a refusal")
    source.close()


def test_an_account_serves_one_ecosystem(place: Scene) -> None:
    assert isinstance(place.broker, NatsBroker)
    place.open().close()
    address = NatsAddress.parse(place.broker.server.nats_url(GATEWAY))
    other = NatsSource(address, [], "another", "gateway-1", StreamOptions())
    with pytest.raises(SetupError, match="serves the ecosystem"):
        wait_for(lambda: bool(other.take(1, 0.1)), "a refusal")
    other.close()


def test_what_waits_here_is_bounded_however_much_waits_there(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)
    count = nats_source.WINDOW + 500
    sent = [device.client.publish(EVENTS, b"%d" % number, qos=1) for number in range(count)]
    wait_for(lambda: all(each.is_published() for each in sent), "acknowledged")
    wait_for(lambda: source.lag().here > nats_source.WINDOW - PULL, "a full window")
    assert source.lag().here <= nats_source.WINDOW
    taken = take(source, count)
    source.commit(taken)
    assert sorted(int(message.payload) for message in taken) == list(range(count))
    assert source.lag() == (0, 0)
    source.close()
    device.stop()


def test_what_is_taken_stays_taken_while_the_gateway_waits_for_its_database(place: Scene) -> None:
    source, other = place.open("gateway-1"), place.open("gateway-2")
    device = Device(place.broker)
    device.send(*(b"%d" % number for number in range(20)))
    mine = take(source, 1)
    source.pause()
    heard = other.take(20, 1) + other.take(20, 1.5 * ACK_WAIT_SECONDS)
    assert mine[0].payload not in {message.payload for message in heard}
    source.commit(mine)
    source.close()
    other.commit(heard)
    other.close()
    device.stop()


def test_a_server_that_was_killed_is_found_again_with_all_that_it_acknowledged(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)
    device.send(b"before")
    device.stop()
    place.broker.kill()
    wait_for(lambda: not source.is_ready, "noticed")
    place.broker.start()
    wait_for(lambda: source.is_ready, "back")
    assert b"before" in {message.payload for message in take(source, 1)}
    source.close()


@contextmanager
def mute_server() -> Iterator[tuple[int, list[str]]]:
    """A server that answers the questions of the start and then delivers nothing; its port, and what it was asked."""
    asked: list[str] = []

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as file:
            file.write(b"INFO {}\r\n")
            file.flush()
            for line in file:
                words = line.decode().split()
                if words[:1] == ["PING"]:
                    file.write(b"PONG\r\n")
                elif words[:1] == ["PUB"]:
                    file.read(int(words[-1]) + 2)
                    asked.append(words[1])
                    if len(words) == 4 and ".MSG.NEXT." not in words[1]:
                        found = {"config": {"retention": "interest", "storage": "file", "filter_subjects": []}}
                        answer = json.dumps(found).encode()
                        file.write(b"MSG %b 1 %d\r\n%b\r\n" % (words[2].encode(), len(answer), answer))
                file.flush()

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)


def test_a_server_that_owes_messages_and_keeps_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_source, "_SILENCE_SECONDS", 0.3)
    with mute_server() as (port, asked):
        address = NatsAddress((("127.0.0.1", port),), False, None, None)
        door = MqttAddress("127.0.0.1", free_port(), False, None, None)
        source = NatsSource(address, [door], ECOSYSTEM, "gateway-1", StreamOptions())
        create = f"$JS.API.CONSUMER.CREATE.{STREAM}.gateway"
        wait_for(lambda: asked.count(create) >= 3, "it has begun anew twice")
        source.close()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("nats://user:p%40ss@host", NatsAddress((("host", 4222),), False, "user", "p@ss")),
        ("tls://a:1,b:2,[::1]:3", NatsAddress((("a", 1), ("b", 2), ("::1", 3)), True, None, None)),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: NatsAddress) -> None:
    assert NatsAddress.parse(url) == address


@pytest.mark.parametrize("url", ["", "host:4222", "mqtt://host", "nats://", "nats://a,,b", "nats://host:port"])
def test_what_is_no_nats_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(SetupError, match="nats://user:password@host:4222"):
        NatsAddress.parse(url)
