"""An MQTT 3.1.1 broker for one device that misbehaves when told to, with a gateway's receipts behind it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Any

from thalweg.wire import text
from thalweg.wire.batch import decode, verify
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.messages import Receipt

ECOSYSTEM, DEVICE = "ev-city", "cp-01"
TOPIC = f"tw1/{ECOSYSTEM}/{DEVICE}"


@dataclass
class Seen:
    """What the device has sent, over all connections."""

    connects: list[bytes] = field(default_factory=list)
    births: list[dict[str, Any]] = field(default_factory=list)
    #: (connection number, boot, first seq, end seq)
    batches: list[tuple[int, int, int, int]] = field(default_factory=list)
    pings: int = 0
    goodbyes: int = 0


class ScriptedBroker:
    """Listens on a loopback port until the `with` block ends. Its switches may be turned at any time."""

    def __init__(self, keys: DeviceKeys) -> None:
        self._keys = keys
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._lock = threading.Lock()
        self.seen = Seen()
        #: code of the next CONNACKs
        self.refusal = 0
        #: no answer to anything, though the connection stays open
        self.is_silent = False
        self.acknowledges = True
        #: sends a receipt for each batch
        self.gives_receipts = True
        self.gateway_state: dict[str, str] | None = {"state": "on", "instance": "a"}
        self.epoch = "e-1"
        self.committed: dict[int, set[int]] = {}

    def __enter__(self) -> ScriptedBroker:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Break the present connection."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError):  # the device may have left already
                client.shutdown(socket.SHUT_RDWR)

    def say_gateway_state(self, state: dict[str, str]) -> None:
        """Publish another state of the gateway, retained."""
        self.gateway_state = state
        self._publish(f"tw1/{ECOSYSTEM}/_gateway/s", json.dumps(state).encode())

    def say_receipt(self, boot: int, key: bytes | None = None, **changes: Any) -> None:
        """Send the receipt that is due for `boot`, with fields changed, or signed with another key."""
        committed = self.committed.get(boot, set())
        next_seq = 0
        while next_seq in committed:
            next_seq += 1
        body = Receipt(self.epoch, boot, next_seq, (), 0, 0).body() | changes
        self._publish(f"{TOPIC}/a", text.seal("a", body, key or self._keys.downlink))

    def say_bytes(self, raw: bytes) -> None:
        """Send bytes that need not be a packet."""
        if self._client is not None:
            self._send(self._client, raw)

    def seqs(self, boot: int) -> list[int]:
        """The seqs of every batch seen, in order, resends included."""
        return [seq for _, known, first, end in self.seen.batches if known == boot for seq in range(first, end)]

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._client = client
        try:
            while True:
                head = _read(client, 1)[0]
                body = _read(client, _length(client))
                self._answer(client, head, body)
        except OSError:
            pass  # the device or the test has closed the connection

    def _answer(self, client: socket.socket, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == 1:
            self.seen.connects.append(body)
            if not self.is_silent:
                self._send(client, bytes([0x20, 2, 0, self.refusal]))
        elif kind == 8:
            self._send(client, b"\x90\x03" + body[:2] + b"\x00")
            if body[4:-1].decode().endswith("_gateway/s") and self.gateway_state is not None:
                self.say_gateway_state(self.gateway_state)
        elif kind == 12:
            self.seen.pings += 1
            self._send(client, b"\xd0\x00")
        elif kind == 14:
            self.seen.goodbyes += 1
        elif kind == 3:
            self._take(client, body)

    def _take(self, client: socket.socket, body: bytes) -> None:
        topic_end = 2 + struct.unpack(">H", body[:2])[0]
        payload = body[topic_end + 2 :]
        if body[2:topic_end].decode() == f"{TOPIC}/s":
            self.seen.births.append(text.open_sealed("s", payload, self._keys.uplink))
        else:
            verify(payload, self._keys.uplink)
            header = decode(payload).header
            self.seen.batches.append((len(self.seen.connects), header.boot, header.first_seq, header.end_seq))
            if self.gives_receipts and not self.is_silent:
                self.committed.setdefault(header.boot, set()).update(range(header.first_seq, header.end_seq))
                self.say_receipt(header.boot)
        if self.acknowledges:
            self._send(client, b"\x40\x02" + body[topic_end : topic_end + 2])

    def _publish(self, topic: str, payload: bytes) -> None:
        body = struct.pack(">H", len(topic)) + topic.encode() + payload
        head = bytearray(b"\x30")
        size = len(body)
        while size > 0x7F:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        head.append(size)
        if self._client is not None:
            self._send(self._client, bytes(head) + body)

    def _send(self, client: socket.socket, packet: bytes) -> None:
        if not self.is_silent:
            with self._lock:
                client.sendall(packet)


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


def _length(client: socket.socket) -> int:
    value = shift = 0
    while True:
        byte = _read(client, 1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
