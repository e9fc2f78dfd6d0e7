"""Packets of MQTT 3.1.1 (OASIS standard, chapter 3): those that a device sends, and the bodies of those it receives."""

import struct

from tw.errors import LinkError

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


def publication(body: memoryview) -> tuple[str, memoryview]:
    """Topic and payload of a PUBLISH with QoS 0; raises LinkError."""
    topic_end = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else 2
    if topic_end > len(body):
        raise LinkError("the broker sent a publication without a topic")
    try:
        return str(body[2:topic_end], "utf-8"), body[topic_end:]
    except ValueError:
        raise LinkError("the broker sent a topic that is not UTF-8") from None


def acknowledged_id(body: memoryview) -> int:
    """The packet id that a PUBACK acknowledges; raises LinkError."""
    if len(body) != 2:
        raise LinkError("the broker sent an acknowledgement of no packet")
    return body[0] << 8 | body[1]


def check_subscription(body: memoryview) -> None:
    """Raise LinkError unless a SUBACK grants its one subscription."""
    if len(body) != 3 or body[2] & 0x80:
        raise LinkError("the broker refuses a subscription")


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
