"""From the bytes of a NATS connection to deliveries and notes; no input or output of its own.

The library nats-py takes 30-46 µs for a message and its acknowledgement, which would be most of the gateway's time.
Here a message is one find, one split and one tuple.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from thalweg.errors import ThalwegError

#: subject, reply subject that acknowledges, payload
Delivery: TypeAlias = tuple[bytes, bytes, bytes]

_END: Final = b"\r\n"
_HMSG: Final = ord("H")
_MSG: Final = ord("M")
_MAX_LINE_BYTES: Final = 1 << 20


class LinkLostError(ThalwegError):
    """The connection to the NATS server is gone or useless; what was delivered on it comes again."""


class Note(NamedTuple):
    """Whatever is no delivery: a control line, or a message without a reply subject (an answer or a status)."""

    #: the verb (`INFO`, `PING`, `PONG`, `-ERR`), or for a message its subscription's number
    kind: bytes
    #: the rest of a control line, or the message's headers, empty when it has none
    head: bytes
    payload: bytes = b""
    #: of a message
    subject: bytes = b""


class NatsReader:
    """Takes bytes in any portions, gives what is complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> tuple[list[Delivery], list[Note]]:
        """Everything that `data` completes, in order of arrival; raises LinkLostError for what is not NATS."""
        buffer = self._rest + data if self._rest else data
        deliveries: list[Delivery] = []
        notes: list[Note] = []
        find, deliver = buffer.find, deliveries.append
        position, end = 0, len(buffer)
        while (line_end := find(_END, position)) >= 0:
            kind = buffer[position]
            if kind not in (_HMSG, _MSG):
                verb, _, head = buffer[position:line_end].partition(b" ")
                notes.append(Note(verb, head))
                position = line_end + 2
                continue
            # MSG subject sid [reply] bytes; HMSG subject sid [reply] header-bytes bytes
            fields = buffer[position:line_end].split(b" ")
            start = line_end + 2
            stop = start + int(fields[-1])
            if stop + 2 > end:
                break
            body = start if kind == _MSG else start + int(fields[-2])
            if len(fields) == (5 if kind == _MSG else 6):
                deliver((fields[1], fields[3], buffer[body:stop]))
            else:
                notes.append(Note(fields[2], buffer[start:body], buffer[body:stop], fields[1]))
            position = stop + 2
        self._rest = buffer[position:]
        if line_end < 0 and len(self._rest) > _MAX_LINE_BYTES:
            raise LinkLostError("what answers at this address does not speak NATS")
        return deliveries, notes


def status(note: Note) -> tuple[int, int]:
    """Of a message's headers: the status code, 0 when there is none, and how many messages it says are not coming."""
    first, _, rest = note.head.partition(_END)
    code = first.removeprefix(b"NATS/1.0").split()
    pending = rest.partition(b"Nats-Pending-Messages: ")[2].partition(_END)[0]
    return int(code[0]) if code else 0, int(pending or 0)


def pending_behind(reply: bytes) -> int:
    """How many messages of the consumer wait behind a delivery, by its reply subject; 0 for an empty one.

    `$JS.ACK.stream.consumer.deliveries.sequence.sequence.time.pending`, or with domain and account after `$JS.ACK` and
    a random token at the end.
    """
    parts = reply.split(b".")
    return int(parts[8] if len(parts) == 9 else parts[10]) if len(parts) >= 9 else 0
