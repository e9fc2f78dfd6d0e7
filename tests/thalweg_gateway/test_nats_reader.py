from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg_gateway.nats_reader import Delivery, LinkLostError, NatsReader, Note, status

PLAIN = b"MSG $MQTT.msgs.tw1.ev.cp-01.e 2 $JS.ACK.1 5\r\nplain\r\n"
WITH_HEADERS = b"HMSG $MQTT.msgs.tw1.ev.cp-01.s 2 $JS.ACK.2 26 31\r\nNATS/1.0\r\nNmqtt-Pub: 1\r\n\r\nstate\r\n"
LINE_ENDS_INSIDE = b"MSG a 2 $JS.ACK.3 6\r\n\r\nM\r\n \r\n"
EMPTY = b"MSG a 2 $JS.ACK.4 0\r\n\r\n"
ANSWER = b"MSG _INBOX.1 1 2\r\n{}\r\n"
HEARTBEAT = b"HMSG _INBOX.2 2 31 31\r\nNATS/1.0 100 Idle Heartbeat\r\n\r\n\r\n"
EXPIRED = (
    b"HMSG _INBOX.2 2 83 83\r\nNATS/1.0 408 Request Timeout\r\n"
    b"Nats-Pending-Messages: 499\r\nNats-Pending-Bytes: 0\r\n\r\n\r\n"
)
CONTROL = b"INFO {}\r\nPING\r\n+OK\r\n-ERR 'Authorization Violation'\r\n"
STREAM = PLAIN + WITH_HEADERS + CONTROL + LINE_ENDS_INSIDE + HEARTBEAT + EMPTY + ANSWER + EXPIRED + PLAIN
DELIVERIES = [
    (b"$MQTT.msgs.tw1.ev.cp-01.e", b"$JS.ACK.1", b"plain"),
    (b"$MQTT.msgs.tw1.ev.cp-01.s", b"$JS.ACK.2", b"state"),
    (b"a", b"$JS.ACK.3", b"\r\nM\r\n "),
    (b"a", b"$JS.ACK.4", b""),
    (b"$MQTT.msgs.tw1.ev.cp-01.e", b"$JS.ACK.1", b"plain"),
]
NOTES = [b"INFO", b"PING", b"+OK", b"-ERR", b"2", b"1", b"2"]


def read(*portions: bytes) -> tuple[list[Delivery], list[Note]]:
    reader = NatsReader()
    deliveries: list[Delivery] = []
    notes: list[Note] = []
    for portion in portions:
        more = reader.feed(portion)
        deliveries += more[0]
        notes += more[1]
    return deliveries, notes


def test_a_stream_of_everything_is_read_in_its_order() -> None:
    deliveries, notes = read(STREAM)
    assert deliveries == DELIVERIES
    assert [note.kind for note in notes] == NOTES
    assert [status(note) for note in notes if note.kind == b"2"] == [(100, 0), (408, 499)]
    assert notes[3].head == b"'Authorization Violation'"
    assert notes[5] == Note(b"1", b"", b"{}", b"_INBOX.1")


def test_a_split_at_any_byte_changes_nothing() -> None:
    whole = read(STREAM)
    for position in range(len(STREAM) + 1):
        assert read(STREAM[:position], STREAM[position:]) == whole, position


def test_byte_by_byte_changes_nothing() -> None:
    assert read(*(STREAM[position : position + 1] for position in range(len(STREAM)))) == read(STREAM)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.integers(1, 3))
def test_any_portions_change_nothing(cuts: list[int], times: int) -> None:
    stream = STREAM * times
    edges = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[a:b] for a, b in pairwise(edges))) == read(stream)


def test_what_never_ends_a_line_is_no_nats_server() -> None:
    with pytest.raises(LinkLostError, match="does not speak NATS"):
        read(*[bytes(1 << 16)] * 100)
