"""The source for any MQTT broker, on paho-mqtt: MQTT 5 where the broker has it, else 3.1.1.

* Manual acknowledgement: the broker gets its PUBACK after the database commit only, and the session is persistent
  (fixed client id, no expiry), so whatever was not committed is delivered again.
* One thread: paho's own calls would write to the socket at the same time, so what others publish waits for it
  (`outgoing`). The socket is read only while the pipeline asks for messages; a busy or waiting pipeline leaves bytes in
  the socket, which is what bounds the memory (Receive Maximum does not: Mosquitto 2.0 exceeds it).
* A packet id means something within its connection only. Tokens carry the connection's number; those of an earlier
  connection are never acknowledged on a later one, where the same id may name another message.
* Several gateways share the messages by a shared subscription. Some brokers grant one and deliver nothing, so a message
  to itself proves at the start that it delivers.
"""

from __future__ import annotations

import logging
import select
import ssl
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from thalweg.errors import SetupError
from thalweg.wire.topics import device_topic, gateway_state_topic
from thalweg_gateway.gateway_state import OFF, GatewayState
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.outgoing import Outgoing
from thalweg_gateway.source import UPLINK, Lag, Message

_LOG = logging.getLogger(__name__)
_KEEPALIVE_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5.0
_FIRST_RETRY_SECONDS: Final = 0.2
_LAST_RETRY_SECONDS: Final = 5.0
_REFUSED: Final = 0x80
_UNSUPPORTED_VERSION: Final = 0x84
_CANARY_SECONDS: Final = 10.0
_NEVER: Final = 0xFFFFFFFF


#: the packet number of what its sender does not wait for (QoS 0), as devices that are not ours may choose
_AT_MOST_ONCE: Final = 0


class _Token(NamedTuple):
    connection: int
    packet: int


class MqttSource:
    """One persistent session on one broker, for one ecosystem's devices."""

    def __init__(
        self, address: MqttAddress, ecosystem: str, client_id: str, share: str = "", others: Sequence[str] = ()
    ) -> None:
        """`share` names the group of gateways that share the broker's messages; empty when there is one gateway.

        `others` are topic filters of devices that are not ours.
        """
        self._address = address
        self._client_id = client_id
        self._state_topic = gateway_state_topic(ecosystem)
        self._plain = [*(device_topic(ecosystem, "+", channel) for channel in UPLINK), *others]
        self._filters = [f"$share/{share}/{topic}" for topic in self._plain] if share else self._plain
        #: a topic of this gateway's alone, and a shared subscription to it that only this gateway is in
        self._canary_topic = f"{self._state_topic}/{client_id}"
        self._canary_filter = f"$share/{share}-{client_id}/{self._canary_topic}" if share else ""
        self._canary_until: float | None = None
        self._asked_for: list[str] = []
        self._messages: deque[Message] = deque()
        self._outgoing = Outgoing()
        self._connection = 0
        self._state = GatewayState()
        #: whether the broker has granted the subscriptions of the present connection
        self.is_ready = False
        self._is_paused = False
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._client = self._make_client()

    def take(self, limit: int, wait_seconds: float) -> list[Message]:
        """Up to `limit` messages; waits at most `wait_seconds` for the first."""
        deadline = time.monotonic() + wait_seconds
        self._network(0)
        while not self._messages and (left := deadline - time.monotonic()) > 0:
            self._network(left)
        while len(self._messages) < limit and self._network(0):
            pass
        return [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]

    def lag(self) -> Lag:
        """What was read and not taken yet; an MQTT broker does not say what it holds."""
        return Lag(len(self._messages), None)

    def commit(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages of the present connection."""
        for message in messages:
            token = message.token
            assert isinstance(token, _Token)
            is_waited_for = token.packet != _AT_MOST_ONCE and token.connection == self._connection
            if is_waited_for and self._client.is_connected():
                self._client.ack(token.packet, qos=1)
        self._network(0)

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages at QoS 0, at once where messages are waited for; dropped while the broker is away."""
        self._outgoing.put(messages)

    def pause(self) -> None:
        """Stop reading the socket and tell devices to keep their events."""
        if not self._is_paused:
            self._is_paused = True
            self._state.want(is_on=False)
            self._announce()

    def resume(self) -> None:
        """Read again; devices send what no receipt covers yet."""
        if self._is_paused:
            self._is_paused = False
            self._state.want(is_on=True)
            self._announce()

    def close(self) -> None:
        """Publish that the gateway is off, and disconnect."""
        self._send_outgoing()
        if self._client.is_connected():
            self._state.want(is_on=False)
            self._announce()
            self._client.disconnect()
        self._outgoing.close()
        self.is_ready = False

    @property
    def _is_mqtt5(self) -> bool:
        return self._protocol == MQTTProtocolVersion.MQTTv5

    def _make_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if self._is_mqtt5 else False,
            protocol=self._protocol,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_SECONDS
        client.username_pw_set(self._address.user, self._address.password)
        client.will_set(self._state_topic, OFF, qos=1, retain=True)
        if self._address.is_tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _network(self, wait_seconds: float) -> bool:
        """Let paho read and write for at most `wait_seconds`; True when there may be more to read."""
        self._send_outgoing()
        connection = self._client.socket()
        if connection is None:
            self._connect(wait_seconds)
            return False
        own = connection.fileno()
        writers = [own] if self._client.want_write() else []
        ready, writable, _ = select.select([own, self._outgoing.fileno()], writers, [], min(wait_seconds, 1.0))
        is_readable = own in ready
        if is_readable:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        self._announce()
        self._expect_canary()
        return is_readable

    def _send_outgoing(self) -> None:
        for topic, payload in self._outgoing.take():
            if self._client.is_connected():
                self._client.publish(topic, payload, qos=0)

    def _connect(self, wait_seconds: float) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            time.sleep(min(wait_seconds, self._retry_at - now))
            return
        options: dict[str, Any] = {}
        if self._is_mqtt5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _NEVER
            options = {"clean_start": False, "properties": properties}
        try:
            self._client.connect(self._address.host, self._address.port, keepalive=_KEEPALIVE_SECONDS, **options)
        except OSError as error:
            self._later(f"cannot reach the broker at {self._address.host}:{self._address.port}: {error}")

    def _later(self, why: str) -> None:
        _LOG.warning("%s; next try in %.1f s", why, self._retry_seconds)
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, _LAST_RETRY_SECONDS)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.value == _UNSUPPORTED_VERSION and self._is_mqtt5:
            _LOG.info("the broker does not speak MQTT 5; using 3.1.1")
            self._protocol = MQTTProtocolVersion.MQTTv311
            self._client = self._make_client()
            return
        if reason.is_failure:
            self._later(f"the broker refused the gateway: {reason}")
            return
        self._connection += 1
        self._messages.clear()
        if self._filters is not self._plain:  # the session may be of a time when this was the only gateway
            client.unsubscribe(self._plain)
        self._subscribe([*self._filters, self._state_topic])

    def _subscribe(self, filters: list[str]) -> None:
        options: Any = SubscribeOptions(qos=1) if self._is_mqtt5 else 1
        self._asked_for = filters
        self._client.subscribe([(one, options) for one in filters])

    def _on_subscribe(self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = [one for one, reason in zip(self._asked_for, reasons, strict=True) if reason.value >= _REFUSED]
        if refused:
            raise SetupError(
                f"the broker refused the subscription to {', '.join(refused)}: "
                f"let the user {self._address.user!r} read these topics"
            )
        if self._asked_for == [self._canary_filter]:
            self._client.publish(self._canary_topic, b"canary", qos=1)
            self._canary_until = time.monotonic() + _CANARY_SECONDS
        elif self._canary_filter:
            self._subscribe([self._canary_filter])
        else:
            self._begin()

    def _begin(self) -> None:
        self.is_ready = True
        self._retry_seconds = _FIRST_RETRY_SECONDS
        _LOG.info("taking events from %s:%s", self._address.host, self._address.port)
        self._state.connected()
        self._announce()

    def _expect_canary(self) -> None:
        if self._canary_until is not None and time.monotonic() > self._canary_until:
            raise SetupError(
                "the broker granted a shared subscription and delivers nothing on it: use a broker with shared "
                "subscriptions, or run one gateway without THALWEG_MQTT_SHARE"
            )

    def _meet_canary(self) -> None:
        if self._canary_until is not None:
            self._client.unsubscribe(self._canary_filter)
            self._canary_until, self._canary_filter = None, ""  # once is proof enough
            self._begin()

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.is_ready = False
        self._canary_until = None
        self._messages.clear()
        if reason.is_failure:
            _LOG.warning("lost the connection to the broker: %s", reason)

    def _on_message(self, client: paho.Client, _data: Any, received: paho.MQTTMessage) -> None:
        if received.topic.startswith(self._state_topic):  # our own words; the filter for devices' states covers them
            client.ack(received.mid, received.qos)
            if received.topic == self._canary_topic:
                self._meet_canary()
            else:
                self._state.hear(bytes(received.payload), time.monotonic())
            return
        token = _Token(self._connection, received.mid)
        self._messages.append(Message(received.topic, bytes(received.payload), datetime.now(UTC), token))

    def _announce(self) -> None:
        """Publish the gateway's state when there is something to say."""
        if self.is_ready and (payload := self._state.due(time.monotonic())) is not None:
            self._client.publish(self._state_topic, payload, qos=1, retain=True)
