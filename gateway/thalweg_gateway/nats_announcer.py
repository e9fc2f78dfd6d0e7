"""The gateway's state on NATS: retained messages and last wills exist there for MQTT clients only, so this is one."""

from __future__ import annotations

import itertools
import logging
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from thalweg_gateway.gateway_state import OFF, GatewayState
from thalweg_gateway.mqtt_address import MqttAddress

_LOG = logging.getLogger(__name__)
_KEEPALIVE_SECONDS: Final = 10
_STEP_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 1.0
_GOODBYE_SECONDS: Final = 2.0


class NatsAnnouncer:
    """Says at one of several MQTT servers what `GatewayState` wants said, in a thread of its own."""

    def __init__(self, addresses: Sequence[MqttAddress], state_topic: str, client_id: str) -> None:
        """`addresses` are servers of one cluster, tried in turn; the client id is this gateway's alone."""
        self._addresses = itertools.cycle(addresses)
        self._topic = state_topic
        self._client_id = client_id
        self._state = GatewayState()
        self._unacknowledged = 0
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway-state", daemon=True)

    def start(self) -> None:
        """Begin to announce; nothing happens when it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def want(self, *, is_on: bool) -> None:
        """Have devices told."""
        self._state.want(is_on=is_on)

    def close(self) -> None:
        """Announce that this gateway is off, and disconnect."""
        self._state.want(is_on=False)
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._is_closing.is_set():
            address = next(self._addresses)
            client = self._make_client(address)
            try:
                client.connect(address.host, address.port, keepalive=_KEEPALIVE_SECONDS)
                self._serve(client)
            except OSError as error:
                _LOG.warning("cannot tell devices that the gateway is there: %s:%s: %s", *address[:2], error)
            self._is_closing.wait(_RETRY_SECONDS)

    def _serve(self, client: paho.Client) -> None:
        """Announce until the connection ends, or until the last word is said."""
        last_call: float | None = None
        while client.loop(_STEP_SECONDS) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if client.is_connected() and (payload := self._state.due(time.monotonic())) is not None:
                self._unacknowledged += 1
                client.publish(self._topic, payload, qos=1, retain=True)
            if self._is_closing.is_set():
                last_call = last_call or time.monotonic() + _GOODBYE_SECONDS
                is_said = self._state.is_told and self._unacknowledged == 0
                if is_said or time.monotonic() > last_call:
                    client.disconnect()

    def _make_client(self, address: MqttAddress) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=paho.MQTTv311)
        client.username_pw_set(address.user, address.password)
        client.will_set(self._topic, OFF, qos=1, retain=True)
        if address.is_tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = lambda _client, _data, message: self._state.hear(bytes(message.payload), time.monotonic())
        return client

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            _LOG.warning("the NATS server's MQTT side refused the gateway: %s", reason)
            return
        client.subscribe(self._topic, 0)
        self._unacknowledged = 0
        self._state.connected()

    def _on_publish(self, _client: Any, _data: Any, _mid: Any, _reason: Any, _properties: Any) -> None:
        self._unacknowledged -= 1
