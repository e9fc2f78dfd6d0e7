"""One connection to one NATS server: connecting, sending, receiving, and asking a question at the start."""

from __future__ import annotations

import contextlib
import json
import secrets
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from thalweg.errors import SetupError
from thalweg_gateway.nats_reader import Delivery, LinkLostError, NatsReader, Note, status

_DEFAULT_PORT: Final = 4222
_CONNECT_SECONDS: Final = 5.0
_SEND_SECONDS: Final = 10.0
_RECEIVE_BYTES: Final = 1 << 20
#: the subscription of answers, and the one of a pull consumer's messages
ANSWERS: Final = b"1"
PULLED: Final = b"2"
_NO_RESPONDERS: Final = 503


class NatsAddress(NamedTuple):
    """Where the servers of one cluster are, and how to sign in."""

    hosts: tuple[tuple[str, int], ...]
    is_tls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> NatsAddress:
        """From `nats[+tls]://[user:password@]host[:port][,host[:port]…]`; raises SetupError."""
        scheme, _, rest = url.partition("://")
        login, _, places = rest.rpartition("@")
        user, _, password = login.partition(":")
        try:
            hosts = tuple(map(_place, places.strip("/").split(",")))
        except ValueError:
            hosts = ()
        if scheme not in ("nats", "tls") or not hosts:
            raise SetupError("the NATS URL must look like nats://user:password@host:4222 (THALWEG_NATS_URL)")
        return cls(hosts, scheme == "tls", unquote(user) or None, unquote(password) or None)


def _place(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or _DEFAULT_PORT


class Link:
    """An open, authenticated connection. Everything raises LinkLostError once it is broken.

    One thread receives; any may send.
    """

    def __init__(self, host: str, port: int, address: NatsAddress) -> None:
        """Connects; `host` and `port` are one of `address.hosts`. Raises LinkLostError."""
        self._reader = NatsReader()
        self._lock = threading.Lock()
        self._deliveries: list[Delivery] = []
        self._inbox = f"_INBOX.thalweg.{secrets.token_hex(8)}".encode()
        self._asked = 0
        try:
            self._socket = socket.create_connection((host, port), _CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sign_in(host, address)
        except OSError as error:
            raise LinkLostError(f"cannot reach the NATS server at {host}:{port}: {error}") from error

    def send(self, data: bytes) -> None:
        """Send whole protocol lines."""
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError as error:
            raise LinkLostError(f"lost the NATS server: {error}") from error

    def receive(self, wait_seconds: float) -> tuple[list[Delivery], list[Note]]:
        """What has arrived, waiting at most `wait_seconds`; pings are answered here."""
        try:
            if not self._has_more() and not select.select([self._socket], [], [], wait_seconds)[0]:
                return [], []
            with self._lock:  # a TLS socket must not read and write at once
                data = self._socket.recv(_RECEIVE_BYTES)
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise LinkLostError(f"lost the NATS server: {error}") from error
        if not data:
            raise LinkLostError("the NATS server closed the connection")
        deliveries, notes = self._reader.feed(data)
        for note in notes:
            if note.kind == b"PING":
                self.send(b"PONG\r\n")
            elif note.kind == b"-ERR":
                self._refuse(note.head)
        return deliveries, notes

    def ask(self, subject: str, question: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer to a request; deliveries that arrive meanwhile are lost to this connection."""
        self._asked += 1
        inbox = b"%b.%d" % (self._inbox, self._asked)
        body = json.dumps(question).encode() if question is not None else b""
        self.send(
            b"SUB %b %b\r\nUNSUB %b 1\r\n" % (inbox, ANSWERS, ANSWERS)
            + b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), inbox, len(body), body)
        )
        note = self._await(ANSWERS)
        if status(note)[0] == _NO_RESPONDERS:
            raise LinkLostError(f"nobody answers {subject}: JetStream is off or has no leader yet")
        answer: dict[str, Any] = json.loads(note.payload)
        return answer

    def settle(self) -> list[Delivery]:
        """Wait until the server has handled all that was sent; what it delivered before."""
        self.send(b"PING\r\n")
        self._deliveries = []
        self._await(b"PONG")
        return self._deliveries

    def break_off(self) -> None:
        """Have the receiving thread find the connection broken; any thread may call it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; for the receiving thread."""
        self._socket.close()

    def _sign_in(self, host: str, address: NatsAddress) -> None:
        self._await(b"INFO")
        if address.is_tls:
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=host)
        self._socket.settimeout(_SEND_SECONDS)
        options: dict[str, Any] = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        options |= {"lang": "thalweg", "version": "1", "name": "thalweg gateway"}
        if address.user is not None:
            options |= {"user": address.user, "pass": address.password or ""}
        self.send(b"CONNECT %b\r\n" % json.dumps(options).encode())
        self.settle()

    def _await(self, kind: bytes) -> Note:
        deadline = time.monotonic() + _CONNECT_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            deliveries, notes = self.receive(left)
            self._deliveries += deliveries
            for note in notes:
                if note.kind == kind:
                    return note
        raise LinkLostError(f"the NATS server does not answer within {_CONNECT_SECONDS:.0f} s")

    def _has_more(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _refuse(self, problem: bytes) -> None:
        text = problem.decode(errors="replace").strip("'")
        if text.startswith("Permissions Violation"):
            raise SetupError(f"the NATS server refused: {text}; let the gateway's user do this")
        raise LinkLostError(f"the NATS server refused the gateway: {text}")
