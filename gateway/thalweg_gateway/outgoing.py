"""What any thread wants to send, for the one thread that a connection belongs to."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_BELL_BYTES: Final = 4096


class Outgoing:
    """Messages, each topic and payload, in order."""

    def __init__(self) -> None:
        self._messages: deque[tuple[str, bytes]] = deque()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)

    def put(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Add messages and wake whoever waits for them; any thread may."""
        self._messages.extend(messages)
        with suppress(BlockingIOError):  # then the bell rings already
            self._rope.send(b"\0")

    def take(self) -> list[tuple[str, bytes]]:
        """All there are; for the connection's thread."""
        with suppress(BlockingIOError):
            while self._bell.recv(_BELL_BYTES):
                pass
        return [self._messages.popleft() for _ in range(len(self._messages))]

    def fileno(self) -> int:
        """What `select` finds readable when there are messages."""
        return self._bell.fileno()

    def close(self) -> None:
        """Give the sockets back."""
        self._bell.close()
        self._rope.close()
