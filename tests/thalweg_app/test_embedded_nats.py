from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.errors import SetupError
from thalweg_app.mqtt_users import MqttUser, device_user, gateway_user
from thalweg_app.nats import EmbeddedNats, accepts
from thalweg_app.supervisor import Supervisor

pytestmark = pytest.mark.slow
GATEWAY = gateway_user("gateway", "gateway-password")
ONE = device_user("house", "charger-1", "one-password")
TWO = device_user("house", "charger-2", "two-password")
EVENTS, STATE, RECEIPT = "tw1/house/charger-1/e", "tw1/house/charger-1/s", "tw1/house/charger-1/a"
GATEWAY_STATE = "tw1/house/_gateway/s"
LIMIT_SECONDS = 30


class Session:
    """An MQTT client that keeps what it hears; it runs in a thread of paho's."""

    def __init__(self, port: int, user: MqttUser, *, clean: bool = True, will: tuple[str, bytes] | None = None) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._changed = threading.Condition()
        self._granted: dict[int, int] = {}
        self._connected = False
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=user.name, clean_session=clean)
        self._client.username_pw_set(user.name, user.password)
        if will:
            self._client.will_set(*will, qos=1, retain=True)
        self._client.on_connect = lambda *_: self._note(lambda: setattr(self, "_connected", True))
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda _, __, mid, codes, ___: self._note(
            lambda: self._granted.update({mid: codes[0].value})
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait(lambda: self._connected)

    def _note(self, change: Callable[[], object]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _on_message(self, _: Client, __: None, message: MQTTMessage) -> None:
        self._note(lambda: self.heard.append((message.topic, message.payload, message.retain)))

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, LIMIT_SECONDS), f"waited in vain; heard {self.heard}"

    def subscribe(self, topic: str) -> int:
        """The return code: the granted QoS, or 0x80."""
        mid = self._client.subscribe(topic, qos=1)[1]
        assert mid is not None
        self.wait(lambda: mid in self._granted)
        return self._granted[mid]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has acknowledged it."""
        message = self._client.publish(topic, payload, qos=1, retain=retain)
        message.wait_for_publish(LIMIT_SECONDS)
        assert message.is_published()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def vanish(self) -> None:
        """Breaks the connection without a word, as a device does that loses its power."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture
def server(tmp_path: Path, ports: list[int], supervisor: Supervisor) -> EmbeddedNats:
    server = EmbeddedNats(tmp_path / "nats", *ports)
    supervisor.start(server.prepare([GATEWAY, ONE, TWO]))
    return server


def test_a_device_publishes_on_its_own_topics_only(server: EmbeddedNats) -> None:
    gateway, device = Session(server.mqtt_port, GATEWAY), Session(server.mqtt_port, TWO)
    assert gateway.subscribe("tw1/#") == 1
    device.publish(EVENTS, b"forged")  # acknowledged and dropped
    device.publish("tw1/other/charger-2/e", b"forged")
    device.publish(GATEWAY_STATE, b"forged", retain=True)
    device.publish("tw1/house/charger-2/a", b"forged")
    device.publish("tw1/house/charger-2/s", b"state")
    device.publish("tw1/house/charger-2/e", b"events")
    gateway.wait(lambda: len(gateway.heard) >= 2)
    assert gateway.heard == [
        ("tw1/house/charger-2/s", b"state", False),
        ("tw1/house/charger-2/e", b"events", False),
    ]
    gateway.leave()
    device.leave()


def test_a_device_reads_its_own_receipts_and_the_gateways_state_only(server: EmbeddedNats) -> None:
    gateway, device = Session(server.mqtt_port, GATEWAY), Session(server.mqtt_port, ONE)
    refused = ["tw1/house/charger-2/a", "tw1/house/charger-2/e", "tw1/house/+/a", "tw1/#", "#", "$SYS/#"]
    assert [device.subscribe(topic) for topic in refused] == [0x80] * len(refused)
    assert device.subscribe(RECEIPT) == 1
    assert device.subscribe(GATEWAY_STATE) == 1
    gateway.publish("tw1/house/charger-2/a", b"for another")
    gateway.publish(RECEIPT, b"receipt")
    gateway.publish(GATEWAY_STATE, b"on", retain=True)
    device.wait(lambda: len(device.heard) >= 2)
    assert sorted(device.heard) == [(GATEWAY_STATE, b"on", False), (RECEIPT, b"receipt", False)]
    gateway.leave()
    device.leave()


def test_a_device_that_comes_later_hears_the_retained_state_of_the_gateway_even_after_a_restart(
    server: EmbeddedNats, supervisor: Supervisor
) -> None:
    gateway = Session(server.mqtt_port, GATEWAY)
    gateway.publish(GATEWAY_STATE, b"on", retain=True)
    gateway.leave()
    kill_and_await_restart(supervisor)
    device = Session(server.mqtt_port, ONE)
    device.subscribe(GATEWAY_STATE)
    device.wait(lambda: device.heard == [(GATEWAY_STATE, b"on", True)])
    device.leave()


def test_the_last_will_of_a_device_that_vanishes_reaches_the_gateway_and_is_retained(server: EmbeddedNats) -> None:
    gateway = Session(server.mqtt_port, GATEWAY)
    gateway.subscribe("tw1/+/+/s")
    device = Session(server.mqtt_port, ONE, will=(STATE, b"off"))
    device.publish(STATE, b"on", retain=True)
    device.vanish()
    gateway.wait(lambda: [payload for _, payload, _ in gateway.heard] == [b"on", b"off"])
    gateway.leave()
    late = Session(server.mqtt_port, GATEWAY)
    late.subscribe("tw1/+/+/s")
    late.wait(lambda: late.heard == [(STATE, b"off", True)])
    late.leave()


def test_acknowledged_messages_for_a_gateway_that_is_away_survive_kill_9(
    server: EmbeddedNats, supervisor: Supervisor
) -> None:
    gateway = Session(server.mqtt_port, GATEWAY, clean=False)
    gateway.subscribe("tw1/+/+/e")
    gateway.leave()
    device = Session(server.mqtt_port, ONE)
    batches = [str(number).encode() for number in range(200)]
    for batch in batches:
        device.publish(EVENTS, batch)
    device.leave()
    kill_and_await_restart(supervisor)
    gateway = Session(server.mqtt_port, GATEWAY, clean=False)
    gateway.wait(lambda: len(gateway.heard) >= len(batches))
    assert [payload for _, payload, _ in gateway.heard] == batches
    gateway.leave()


def test_users_admitted_while_it_runs_may_connect_when_reload_returns_and_removed_ones_may_not(
    server: EmbeddedNats, supervisor: Supervisor
) -> None:
    gateway = Session(server.mqtt_port, GATEWAY)
    gateway.subscribe("tw1/#")
    three = device_user("house", "charger-3", "three-password")
    assert not accepts(server.mqtt_port, three)
    server.admit([GATEWAY, ONE, three])
    supervisor.reload("nats")
    assert accepts(server.mqtt_port, three)
    assert not accepts(server.mqtt_port, TWO)
    device = Session(server.mqtt_port, ONE)
    device.publish(EVENTS, b"still heard by the session that was open before")
    gateway.wait(lambda: len(gateway.heard) == 1)
    assert supervisor.report()["nats"].restarts == 0
    gateway.leave()
    device.leave()


def test_its_passwords_are_for_its_owner_only_and_a_wrong_one_is_refused(server: EmbeddedNats, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "nats" / "nats.conf").stat().st_mode) == 0o600
    assert not accepts(server.mqtt_port, device_user("house", "charger-1", "a guess"))


def test_a_folder_in_use_and_a_port_in_use_are_refused(server: EmbeddedNats, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="already uses the folder"):
        EmbeddedNats(tmp_path / "nats", 1, 2).prepare([])
    other = EmbeddedNats(tmp_path / "other", server.mqtt_port, -1)
    with Supervisor() as second, pytest.raises(SetupError, match=r"nats ended at once[\s\S]*address already in use"):
        second.start(other.prepare([GATEWAY]))


def kill_and_await_restart(supervisor: Supervisor) -> None:
    pid = supervisor.report()["nats"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    def serves_again() -> bool:
        child = supervisor.report()["nats"]
        return child.is_ready and child.pid != pid

    assert supervisor.wait(60_000, until=serves_again)
