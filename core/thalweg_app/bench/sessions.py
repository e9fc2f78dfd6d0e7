"""MQTT sessions of devices over raw sockets: they publish prepared packets and read acknowledgements and receipts.

A client library would take longer for a message than the system that is measured.
"""

from __future__ import annotations

import socket
import time
from typing import Final, Self

from thalweg.errors import SetupError
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, device_topic

CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBACK: Final = 0x90
_CONNECT_SECONDS: Final = 30
_RETRY_SECONDS: Final = 0.2
_RECEIVE_BYTES: Final = 1 << 18
_CLEAN_SESSION, _PASSWORD, _USER = 0x02, 0x40, 0x80
_KEEPALIVE_SECONDS: Final = 600
#: packet ids of publishes begin here; the one below is the subscription's
FIRST_PACKET: Final = 2


class Connection:
    """One MQTT 3.1.1 connection with a clean session."""

    socket: socket.socket
    _rest: bytes

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        """Connects and signs in, which a starting system refuses at first; raises SetupError."""
        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            self._begin(host, port, user, password)
            if self._await(CONNACK)[1] == 0:
                return
            self.socket.close()
            if time.monotonic() > deadline:
                raise SetupError(f"the broker does not let {user!r} in")
            time.sleep(_RETRY_SECONDS)

    @classmethod
    def begun(cls, host: str, port: int, user: str, password: str) -> Self:
        """One that waits for nothing: the broker's answer (CONNACK) is among what it receives; raises OSError."""
        connection = cls.__new__(cls)
        connection._begin(host, port, user, password)
        return connection

    def subscribe(self, topic: str, qos: int) -> None:
        """Subscribe and wait for the broker's word; raises SetupError."""
        self.send(subscribe_packet(topic, qos=qos))
        if self._await(SUBACK)[2] > 2:
            raise SetupError(f"the broker refuses the subscription to {topic}")

    def send(self, data: bytes) -> None:
        """Send whole packets."""
        self.socket.sendall(data)

    def receive(self) -> list[tuple[int, bytes]]:
        """What one read from the socket completes: first byte and body of each packet; raises SetupError at its end."""
        data = self.socket.recv(_RECEIVE_BYTES)
        if not data:
            raise SetupError("the broker closed a session of the load")
        buffer = self._rest + data
        packets, at = [], 0
        while (place := _body(buffer, at)) is not None:
            packets.append((buffer[at], buffer[place[0] : place[1]]))
            at = place[1]
        self._rest = buffer[at:]
        return packets

    def _begin(self, host: str, port: int, user: str, password: str) -> None:
        head = _text("MQTT") + bytes([4, _CLEAN_SESSION | _PASSWORD | _USER]) + _KEEPALIVE_SECONDS.to_bytes(2, "big")
        self._rest = b""
        self.socket = socket.create_connection((host, port), _CONNECT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(packet(0x10, head + _text(user) + _text(user) + _text(password)))

    def _await(self, kind: int) -> bytes:
        while True:
            for first, body in self.receive():
                if first & 0xF0 == kind:
                    return body


def subscribe_packet(*topics: str, qos: int = 0) -> bytes:
    """A subscription to all of `topics`."""
    wanted = b"".join(_text(topic) + bytes([qos]) for topic in topics)
    return packet(0x82, (FIRST_PACKET - 1).to_bytes(2, "big") + wanted)


def publish_packet(topic: str, packet_id: int, payload: bytes, *, is_retained: bool = False) -> bytes:
    """A publish at QoS 1."""
    return packet(0x32 | is_retained, _text(topic) + packet_id.to_bytes(2, "big") + payload)


def published(first: int, body: bytes) -> tuple[str, bytes]:
    """Topic and payload of a received publish, whose packet begins with the byte `first`."""
    topic_end = 2 + int.from_bytes(body[:2], "big")
    return body[2:topic_end].decode(), body[topic_end + (2 if first & 0x06 else 0) :]


def packet(first: int, body: bytes) -> bytes:
    """A packet with its length."""
    length, size = bytearray(), len(body)
    while True:
        size, seven = size >> 7, size & 0x7F
        length.append(seven | (0x80 if size else 0))
        if not size:
            return bytes([first]) + length + body


def receipt_topic(ecosystem: str, device: str) -> str:
    """Where a device's commit receipts come."""
    return device_topic(ecosystem, device, Channel.RECEIPT)


def receipted_seq(body: bytes, downlink_key: bytes) -> tuple[int, int]:
    """Of a receipt's publish at QoS 0: the boot, and the seq below which everything is committed.

    Raises BadSignature for a receipt that the gateway did not sign.
    """
    topic_end = 2 + int.from_bytes(body[:2], "big")
    receipt = open_sealed(Channel.RECEIPT, body[topic_end:], downlink_key)
    return receipt["boot"], receipt["next"]


def _body(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and ends; None while it is not complete."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(buffer))):
        length |= (buffer[place] & 0x7F) << shift
        if buffer[place] < 0x80:
            stop = place + 1 + length
            return (place + 1, stop) if stop <= len(buffer) else None
        shift += 7
    return None


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
