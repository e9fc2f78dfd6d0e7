"""The smallest gateway that a fleet can be run against: verifies batches, keeps their events, sends receipts."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.wire import batch, text
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.messages import Receipt, read_state
from thalweg.wire.topics import Channel, device_topic, gateway_state_topic, parse


class ReceiptingGateway:
    """Holds everything in memory; `events` has each event of the fleet once, by (device, boot, seq)."""

    def __init__(self, port: int, password: str, ecosystem: str, keys: dict[str, DeviceKeys]) -> None:
        self.events: dict[tuple[str, int, int], batch.Event] = {}
        self.problems: list[str] = []
        self._ecosystem = ecosystem
        self._keys = keys
        self._digests: dict[tuple[str, int, int], bytes] = {}
        self._owed: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False)
        self._client.username_pw_set("_gateway", password)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._client.publish(
            gateway_state_topic(ecosystem), b'{"state":"on","instance":"test"}', qos=1, retain=True
        )
        self._client.on_connect = lambda *_: self._client.subscribe(
            [(device_topic("+", "+", channel), 1) for channel in (Channel.EVENTS, Channel.STATE)]
        )
        self._client.connect("127.0.0.1", port)
        self._sender = threading.Thread(target=self._send_receipts)

    def __enter__(self) -> Self:
        self._client.loop_start()
        self._sender.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_closing.set()
        self._sender.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _: Client, __: None, message: MQTTMessage) -> None:
        if message.topic == gateway_state_topic(self._ecosystem):
            return
        topic = parse(message.topic)
        key = self._keys[topic.device].uplink
        with self._lock:
            if topic.channel == Channel.STATE:
                self._owed.add((topic.device, read_state(text.open_sealed("s", message.payload, key)).boot))
                return
            batch.verify(message.payload, key)
            decoded = batch.decode(message.payload)
            header = decoded.header
            known = self._digests.setdefault(
                (topic.device, header.boot, header.first_seq), batch.digest(message.payload)
            )
            if known != batch.digest(message.payload):
                self.problems.append(f"{topic.device} sent two batches from {header.boot}/{header.first_seq}")
            for seq, event in enumerate(decoded.events, start=header.first_seq):
                self.events[topic.device, header.boot, seq] = event
            self._owed.add((topic.device, header.boot))

    def _send_receipts(self) -> None:
        next_seqs: dict[tuple[str, int], int] = {}
        while not self._is_closing.wait(0.05):
            with self._lock:
                owed, self._owed = self._owed, set()
                for device, boot in owed:
                    next_seq = next_seqs.get((device, boot), 0)
                    while (device, boot, next_seq) in self.events:
                        next_seq += 1
                    next_seqs[device, boot] = next_seq
                    receipt = Receipt("epoch", boot, next_seq, (), 0, time.time_ns() // 1_000_000)
                    self._client.publish(
                        device_topic(self._ecosystem, device, Channel.RECEIPT),
                        text.seal("a", receipt.body(), self._keys[device].downlink),
                    )
