"""The source for any MQTT 3.1.1 broker, on paho-mqtt.

* Manual acknowledgement: the broker gets its PUBACK after the database commit only, and the session is persistent
  (`clean_session=False`, fixed client id), so whatever was not committed is delivered again.
* One thread. The socket is read only while the pipeline asks for messages; a busy or waiting pipeline leaves bytes in
  the socket, which is what bounds the memory (Receive Maximum does not: Mosquitto 2.0 exceeds it).
* A packet id means something within its connection only. Tokens carry the connection's number; those of an earlier
  connection are never acknowledged on a later one, where the same id may name another message.
"""

from __future__ import annotations

import json
import logging
import secrets
import select
import ssl
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.errors import SetupError
from thalweg.wire.topics import Channel, device_topic, gateway_state_topic
from thalweg_gateway.source import Message

_LOG = logging.getLogger(__name__)
_KEEPALIVE_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5.0
_FIRST_RETRY_SECONDS: Final = 0.2
_LAST_RETRY_SECONDS: Final = 5.0
_REFUSED: Final = 0x80


class MqttAddress(NamedTuple):
    """Where a broker is and how to sign in."""

    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> MqttAddress:
        """From `mqtt[s]://[user:password@]host[:port]`; raises SetupError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SetupError("the broker's URL must look like mqtt://user:password@host:1883 (THALWEG_MQTT_URL)")
        is_tls = parts.scheme == "mqtts"
        user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or (8883 if is_tls else 1883), is_tls, user, password)


class _Token(NamedTuple):
    connection: int
    packet: int


class MqttSource:
    """One persistent session on one broker, for one ecosystem's devices."""

    def __init__(self, address: MqttAddress, ecosystem: str, client_id: str) -> None:
        self._address = address
        self._state_topic = gateway_state_topic(ecosystem)
        self._filters = [(device_topic(ecosystem, "+", channel), 1) for channel in (Channel.EVENTS, Channel.STATE)]
        self._messages: deque[Message] = deque()
        self._connection = 0
        #: whether the broker has granted the subscriptions of the present connection
        self.is_ready = False
        self._is_paused = False
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._client = self._make_client(client_id)

    def take(self, limit: int, wait_seconds: float) -> list[Message]:
        """Up to `limit` messages; waits at most `wait_seconds` for the first."""
        deadline = time.monotonic() + wait_seconds
        self._network(0)
        while not self._messages and (left := deadline - time.monotonic()) > 0:
            self._network(left)
        while len(self._messages) < limit and self._network(0):
            pass
        return [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]

    def commit(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages of the present connection."""
        for message in messages:
            token = message.token
            assert isinstance(token, _Token)
            if token.connection == self._connection and self._client.is_connected():
                self._client.ack(token.packet, qos=1)
        self._network(0)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message at QoS 0; dropped while the broker is away."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=0)

    def pause(self) -> None:
        """Stop reading the socket and tell devices to keep their events."""
        if not self._is_paused:
            self._is_paused = True
            self._announce(is_on=False)

    def resume(self) -> None:
        """Read again; devices send what no receipt covers yet."""
        if self._is_paused:
            self._is_paused = False
            self._announce(is_on=True)

    def close(self) -> None:
        """Publish that the gateway is off, and disconnect."""
        if self._client.is_connected():
            self._announce(is_on=False)
            self._client.disconnect()
        self.is_ready = False

    def _make_client(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.username_pw_set(self._address.user, self._address.password)
        client.will_set(self._state_topic, _state(is_on=False), qos=1, retain=True)
        if self._address.is_tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _network(self, wait_seconds: float) -> bool:
        """Let paho read and write for at most `wait_seconds`; True when there may be more to read."""
        connection = self._client.socket()
        if connection is None:
            self._connect(wait_seconds)
            return False
        writers = [connection] if self._client.want_write() else []
        readable, writable, _ = select.select([connection], writers, [], min(wait_seconds, 1.0))
        if readable:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        return bool(readable)

    def _connect(self, wait_seconds: float) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            time.sleep(min(wait_seconds, self._retry_at - now))
            return
        try:
            self._client.connect(self._address.host, self._address.port, keepalive=_KEEPALIVE_SECONDS)
        except OSError as error:
            self._later(f"cannot reach the broker at {self._address.host}:{self._address.port}: {error}")

    def _later(self, why: str) -> None:
        _LOG.warning("%s; next try in %.1f s", why, self._retry_seconds)
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, _LAST_RETRY_SECONDS)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._later(f"the broker refused the gateway: {reason}")
            return
        self._connection += 1
        self._messages.clear()
        client.subscribe(self._filters)

    def _on_subscribe(self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = [topic for (topic, _), reason in zip(self._filters, reasons, strict=True) if reason.value >= _REFUSED]
        if refused:
            raise SetupError(
                f"the broker refused the subscription to {', '.join(refused)}: "
                f"let the user {self._address.user!r} read these topics"
            )
        self.is_ready = True
        self._retry_seconds = _FIRST_RETRY_SECONDS
        _LOG.info("taking events from %s:%s", self._address.host, self._address.port)
        if not self._is_paused:
            self._announce(is_on=True)

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.is_ready = False
        self._messages.clear()
        if reason.is_failure:
            _LOG.warning("lost the connection to the broker: %s", reason)

    def _on_message(self, client: paho.Client, _data: Any, received: paho.MQTTMessage) -> None:
        if received.topic == self._state_topic:  # our own; the filter for devices' states covers it
            client.ack(received.mid, received.qos)
            return
        token = _Token(self._connection, received.mid)
        self._messages.append(Message(received.topic, bytes(received.payload), datetime.now(UTC), token))

    def _announce(self, *, is_on: bool) -> None:
        if self.is_ready:
            self._client.publish(self._state_topic, _state(is_on=is_on), qos=1, retain=True)


def _state(*, is_on: bool) -> bytes:
    """The retained gateway state. A new instance tells devices to send again what no receipt covers."""
    body = {"state": "on", "instance": secrets.token_hex(4)} if is_on else {"state": "off"}
    return json.dumps(body, separators=(",", ":")).encode()
