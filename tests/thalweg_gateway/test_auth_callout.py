"""Who may connect to NATS and do what there, answered from logins, on a real server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client as NatsClient
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.errors import SetupError
from thalweg_app.nats import GATEWAY, accepts
from thalweg_gateway.auth_claims import Issuer, new_seed
from thalweg_gateway.auth_main import connect
from thalweg_gateway.auth_observability import Outcome
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.nats_link import NatsAddress
from thalweg_gateway.nats_source import NatsSource
from thalweg_gateway.nats_stream import DURABLE, STREAM, StreamOptions
from worlds.brokers import PASSWORD, NatsBroker, nats, wait_for

pytestmark = pytest.mark.slow
ECOSYSTEM = "house"
ONE, TWO = "charger-1", "charger-2"
GATEWAY_STATE = f"tw1/{ECOSYSTEM}/_gateway/s"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsBroker]:
    with nats(tmp_path / "nats", ECOSYSTEM, [ONE, TWO]) as running:
        yield running


class Session:
    """An MQTT client that keeps what it hears; it runs in a thread of paho's."""

    def __init__(self, broker: NatsBroker, user: str, *, client_id: str | None = None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.refusals = 0
        self._changed = threading.Condition()
        self._granted: dict[int, int] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id or user)
        self._client.username_pw_set(user, PASSWORD)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda _, __, mid, codes, ___: self._note(
            lambda: self._granted.update({mid: codes[0].value})
        )
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self.wait(self._client.is_connected)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def wait(self, condition: Callable[[], bool]) -> None:
        wait_for(condition, f"heard {self.heard}")

    def subscribe(self, topic: str) -> int:
        """The return code: the granted QoS, or 0x80."""
        mid = self._client.subscribe(topic, qos=1)[1]
        assert mid is not None
        self.wait(lambda: mid in self._granted)
        return self._granted[mid]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has acknowledged it."""
        message = self._client.publish(topic, payload, qos=1, retain=retain)
        self.wait(message.is_published)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: object, _more: object) -> None:
        self.refusals += bool(getattr(reason, "is_failure", False))

    def _on_message(self, _: Client, __: None, message: MQTTMessage) -> None:
        self._note(lambda: self.heard.append((message.topic, bytes(message.payload))))

    def _note(self, change: Callable[[], object]) -> None:
        with self._changed:
            change()


def test_a_device_publishes_on_its_own_topics_only(broker: NatsBroker) -> None:
    gateway, device = Session(broker, GATEWAY), Session(broker, TWO)
    assert gateway.subscribe("tw1/#") == 1
    device.publish("tw1/house/charger-1/e", b"forged")  # acknowledged and dropped
    device.publish("tw1/other/charger-2/e", b"forged")
    device.publish(GATEWAY_STATE, b"forged", retain=True)
    device.publish("tw1/house/charger-2/a", b"forged")
    device.publish("tw1/house/charger-2/s", b"state")
    device.publish("tw1/house/charger-1/ej", b"forged")
    device.publish("tw1/house/charger-2/e", b"events")
    device.publish("tw1/house/charger-2/ej", b"rows")
    gateway.wait(lambda: len(gateway.heard) >= 3)
    assert gateway.heard == [
        ("tw1/house/charger-2/s", b"state"),
        ("tw1/house/charger-2/e", b"events"),
        ("tw1/house/charger-2/ej", b"rows"),
    ]
    gateway.leave()
    device.leave()


def test_a_device_reads_its_own_receipts_and_the_gateways_state_only(broker: NatsBroker) -> None:
    gateway, device = Session(broker, GATEWAY), Session(broker, ONE)
    refused = ["tw1/house/charger-2/a", "tw1/house/charger-2/e", "tw1/house/+/a", "tw1/#", "#", "$SYS/#"]
    assert [device.subscribe(topic) for topic in refused] == [0x80] * len(refused)
    assert device.subscribe("tw1/house/charger-1/a") == 1
    assert device.subscribe(GATEWAY_STATE) == 1
    gateway.publish("tw1/house/charger-2/a", b"for another")
    gateway.publish("tw1/house/charger-1/a", b"receipt")
    gateway.publish(GATEWAY_STATE, b"on", retain=True)
    device.wait(lambda: len(device.heard) >= 2)
    assert sorted(device.heard) == [(GATEWAY_STATE, b"on"), ("tw1/house/charger-1/a", b"receipt")]
    gateway.leave()
    device.leave()


@pytest.mark.parametrize(
    ("user", "password", "client_id"),
    [
        (ONE, "a guess", ONE),
        (ONE, "", ONE),
        (ONE, PASSWORD, TWO),
        (ONE, PASSWORD, "another"),
        ("charger-3", PASSWORD, "charger-3"),
        ("Charger.1", PASSWORD, "Charger.1"),
        ("", "", "nobody"),
        (GATEWAY, "a guess", "gateway-1"),
    ],
)
def test_who_is_not_a_registered_device_under_its_own_client_id_is_refused(
    broker: NatsBroker, user: str, password: str, client_id: str
) -> None:
    assert accepts(broker.port, ONE, PASSWORD)
    assert not accepts(broker.port, user, password, client_id)


def test_what_becomes_of_each_wish_to_connect_is_counted(broker: NatsBroker) -> None:
    broker.door.logins.set("charger-4", PASSWORD)
    broker.door.logins.revoke("charger-4")
    assert accepts(broker.port, ONE, PASSWORD)
    for user, password, client_id in (
        (ONE, "a guess", ONE),
        (ONE, "another", ONE),
        (ONE, PASSWORD, TWO),
        ("charger-3", PASSWORD, "charger-3"),
        ("charger-4", PASSWORD, "charger-4"),
        ("Charger1", PASSWORD, "Charger1"),
    ):
        assert not accepts(broker.port, user, password, client_id)
    value = broker.door.metrics.registry.get_sample_value
    expected = {"let_in": 1, "password": 2, "client_id": 1, "unknown": 1, "revoked": 1, "no_device_id": 1}
    counted = {each.value: value("thalweg_auth_answers_total", {"outcome": each.value}) for each in Outcome}
    assert counted == {each.value: expected.get(each.value, 0) for each in Outcome}
    assert value("thalweg_auth_answer_seconds_count") == sum(expected.values())


def test_a_devices_password_opens_no_nats_connection(broker: NatsBroker) -> None:
    address = NatsAddress.parse(broker.server.nats_url(GATEWAY))._replace(user=ONE, password=PASSWORD)
    source = NatsSource(address, [], ECOSYSTEM, "gateway-1", StreamOptions())
    wait_for(lambda: not source.is_ready and source.take(1, 0.5) == [], "still refused")
    assert not source.is_ready
    source.close()


def test_while_nobody_answers_devices_are_refused_and_live_sessions_go_on(broker: NatsBroker) -> None:
    gateway, live = Session(broker, GATEWAY), Session(broker, ONE)
    gateway.subscribe("tw1/#")
    broker.door.stop()
    assert not accepts(broker.port, TWO, PASSWORD)
    live.publish("tw1/house/charger-1/e", b"still heard")
    gateway.wait(lambda: gateway.heard == [("tw1/house/charger-1/e", b"still heard")])
    broker.door.start()
    assert accepts(broker.port, TWO, PASSWORD)
    gateway.leave()
    live.leave()


def test_no_device_is_let_in_before_the_gateways_consumer_exists(tmp_path: Path) -> None:
    with nats(tmp_path / "nats", ECOSYSTEM, [ONE], is_guarded=True) as broker:
        assert not accepts(broker.port, ONE, PASSWORD)
        doors = [MqttAddress.parse(broker.url(GATEWAY))]
        address = NatsAddress.parse(broker.server.nats_url(GATEWAY))
        source = NatsSource(address, doors, ECOSYSTEM, "gateway-1", StreamOptions())
        wait_for(lambda: source.is_ready, "a gateway")
        assert accepts(broker.port, ONE, PASSWORD)
        source.close()
        assert accepts(broker.port, ONE, PASSWORD), "the consumer stays when the gateway goes"


def test_a_revoked_device_loses_its_live_session_and_is_refused_from_then_on(broker: NatsBroker) -> None:
    revoked, other = Session(broker, ONE), Session(broker, TWO)
    before = revoked.refusals  # a busy machine may have made it try twice
    broker.door.logins.revoke(ONE)
    wait_for(lambda: revoked.refusals > before, "its session is closed, and its next attempt refused")
    assert not revoked.is_connected
    assert other.is_connected
    assert other.refusals == 0
    assert broker.door.metrics.registry.get_sample_value("thalweg_auth_sessions_closed_total") == 1
    revoked.leave()
    other.leave()


def test_the_gateways_user_cannot_delete_what_holds_events(broker: NatsBroker) -> None:
    address = NatsAddress.parse(broker.server.nats_url(GATEWAY))
    source = NatsSource(address, [MqttAddress.parse(broker.url(GATEWAY))], ECOSYSTEM, "gateway-1", StreamOptions())
    wait_for(lambda: source.is_ready, "a gateway")
    device = Session(broker, ONE)
    source.close()
    device.publish("tw1/house/charger-1/e", b"kept")

    async def state(client: NatsClient) -> tuple[int, int]:
        answer = await client.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=5)
        found = json.loads(answer.data)["state"]
        return found["messages"], found["consumer_count"]

    async def try_to_delete() -> list[tuple[int, int]]:
        client: NatsClient = await connect(address)
        before = await state(client)
        for subject in (
            f"$JS.API.CONSUMER.DELETE.{STREAM}.{DURABLE}",
            f"$JS.API.STREAM.PURGE.{STREAM}",
            f"$JS.API.STREAM.DELETE.{STREAM}",
            f"$JS.API.STREAM.MSG.DELETE.{STREAM}",
        ):
            await client.publish(subject, json.dumps({"seq": 1}).encode())
        await client.flush()
        after = await state(client)
        await client.close()
        return [before, after]

    (messages, consumers), after = asyncio.run(try_to_delete())
    assert after == (messages, consumers)
    assert messages >= 1
    assert consumers == 1
    device.leave()


def test_a_seed_that_is_none_is_refused_with_what_to_do() -> None:
    assert Issuer(new_seed()).public_key.startswith("A")
    for wrong in ("", "SA", "SUAM", new_seed()[:-1]):
        with pytest.raises(SetupError, match="seed"):
            Issuer(wrong)
