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
from thalweg_app.nats import AUTH, GATEWAY, SYSTEM, EmbeddedNats, NatsSecrets, accepts
from thalweg_app.supervisor import Supervisor
from thalweg_gateway.auth_claims import new_seed
from worlds.brokers import wait_for
from worlds.doorkeeper import Doorkeeper

pytestmark = pytest.mark.slow
SECRETS = NatsSecrets("gateway-password", "auth-password", "system-password", new_seed())
DEVICE = "charger-1"
PASSWORDS = {GATEWAY: SECRETS.gateway, DEVICE: "device-password"}
EVENTS, STATE = "tw1/house/charger-1/e", "tw1/house/charger-1/s"
GATEWAY_STATE = "tw1/house/_gateway/s"
LIMIT_SECONDS = 30


class Session:
    """An MQTT client that keeps what it hears; it runs in a thread of paho's."""

    def __init__(self, port: int, user: str, *, clean: bool = True, will: tuple[str, bytes] | None = None) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._changed = threading.Condition()
        self._granted: dict[int, int] = {}
        self._connected = False
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=user, clean_session=clean)
        self._client.username_pw_set(user, PASSWORDS[user])
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
def server(tmp_path: Path, ports: list[int], supervisor: Supervisor) -> Iterator[EmbeddedNats]:
    server = EmbeddedNats(tmp_path / "nats", *ports, SECRETS)
    supervisor.start(server.prepare())
    door = Doorkeeper(server.nats_url(AUTH), server.nats_url(SYSTEM), SECRETS.issuer_seed, "house", is_guarded=False)
    door.logins.set(DEVICE, PASSWORDS[DEVICE])
    with door:
        yield server


def test_a_device_that_comes_later_hears_the_retained_state_of_the_gateway_even_after_a_restart(
    server: EmbeddedNats, supervisor: Supervisor
) -> None:
    gateway = Session(server.mqtt_port, GATEWAY)
    gateway.publish(GATEWAY_STATE, b"on", retain=True)
    gateway.leave()
    kill_and_await_restart(supervisor)
    wait_for(lambda: accepts(server.mqtt_port, DEVICE, PASSWORDS[DEVICE]), "the callout is back")
    device = Session(server.mqtt_port, DEVICE)
    device.subscribe(GATEWAY_STATE)
    device.wait(lambda: device.heard == [(GATEWAY_STATE, b"on", True)])
    device.leave()


def test_the_last_will_of_a_device_that_vanishes_reaches_the_gateway_and_is_retained(server: EmbeddedNats) -> None:
    gateway = Session(server.mqtt_port, GATEWAY)
    gateway.subscribe("tw1/+/+/s")
    device = Session(server.mqtt_port, DEVICE, will=(STATE, b"off"))
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
    device = Session(server.mqtt_port, DEVICE)
    batches = [str(number).encode() for number in range(200)]
    for batch in batches:
        device.publish(EVENTS, batch)
    device.leave()
    kill_and_await_restart(supervisor)
    gateway = Session(server.mqtt_port, GATEWAY, clean=False)
    gateway.wait(lambda: len(gateway.heard) >= len(batches))
    assert [payload for _, payload, _ in gateway.heard] == batches
    gateway.leave()


def test_its_passwords_are_for_its_owner_only_and_a_wrong_one_is_refused(server: EmbeddedNats, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "nats" / "nats.conf").stat().st_mode) == 0o600
    for user, password in PASSWORDS.items():
        assert accepts(server.mqtt_port, user, password)
        assert not accepts(server.mqtt_port, user, "a guess")


def test_a_folder_in_use_and_a_port_in_use_are_refused(server: EmbeddedNats, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="already uses the folder"):
        EmbeddedNats(tmp_path / "nats", 1, 2, SECRETS).prepare()
    other = EmbeddedNats(tmp_path / "other", server.mqtt_port, -1, SECRETS)
    with Supervisor() as second, pytest.raises(SetupError, match=r"nats ended at once[\s\S]*address already in use"):
        second.start(other.prepare())


def kill_and_await_restart(supervisor: Supervisor) -> None:
    pid = supervisor.report()["nats"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    def serves_again() -> bool:
        child = supervisor.report()["nats"]
        return child.is_ready and child.pid != pid

    assert supervisor.wait(60_000, until=serves_again)
