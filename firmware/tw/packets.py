"""Packets of MQTT 3.1.1 (OASIS standard, chapter 3) that a device sends, and the kinds that it receives."""

import struct

CONNACK = 0x20
PUBLISH = 0x30
PUBACK = 0x40
SUBACK = 0x90
PINGRESP = 0xD0

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"

_USER_NAME = 0x80
_PASSWORD = 0x40
_WILL_RETAIN = 0x20
_WILL_QOS_1 = 0x08
_WILL = 0x04
_CLEAN_SESSION = 0x02


def connect(client_id: str, keep_alive_seconds: int, will: tuple[str, bytes], credentials: tuple[str, str]) -> bytes:
    """CONNECT with a clean session and a retained last will (topic, payload) of QoS 1."""
    flags = _USER_NAME | _PASSWORD | _WILL_RETAIN | _WILL_QOS_1 | _WILL | _CLEAN_SESSION
    body = bytearray(b"\x00\x04MQTT\x04")
    body.append(flags)
    body.extend(struct.pack(">H", keep_alive_seconds))
    for field in (client_id.encode(), will[0].encode(), will[1], credentials[0].encode(), credentials[1].encode()):
        body.extend(struct.pack(">H", len(field)))
        body.extend(field)
    return _packet(0x10, bytes(body))


def subscribe(topic: str, packet_id: int) -> bytes:
    """SUBSCRIBE to one topic with QoS 0."""
    raw = topic.encode()
    return _packet(0x82, struct.pack(">HH", packet_id, len(raw)) + raw + b"\x00")


def publish_head(topic: str, packet_id: int, payload_bytes: int, retain: bool) -> bytearray:
    """Everything of a PUBLISH with QoS 1 that comes before its payload."""
    raw = topic.encode()
    head = bytearray()
    head.append(PUBLISH | 0x02 | retain)
    _append_length(head, 4 + len(raw) + payload_bytes)
    head.extend(struct.pack(">H", len(raw)))
    head.extend(raw)
    head.extend(struct.pack(">H", packet_id))
    return head


def _packet(kind: int, body: bytes) -> bytes:
    head = bytearray()
    head.append(kind)
    _append_length(head, len(body))
    return bytes(head) + body


def _append_length(packet: bytearray, length: int) -> None:
    while length > 0x7F:
        packet.append(length & 0x7F | 0x80)
        length >>= 7
    packet.append(length)
