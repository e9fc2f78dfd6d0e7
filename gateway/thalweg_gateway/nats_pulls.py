"""When a pull consumer is asked for how much. Pure: the source sends what this says, and reports what came.

A server that sends each message as it comes spends several times as much on it as one that is asked for what has
gathered. So requests go in rounds: a round asks for what the server holds, as far as there is room, and waits for
nothing; after a full one the next follows at once, after one that brought little a little later, and after one that
brought nothing a request waits for a single message.
"""

from __future__ import annotations

import json
from typing import Final

#: messages that one request asks for, at most
PULL: Final = 500
#: what one request may bring at most, which bounds the memory whatever the size of messages
_PULL_BYTES: Final = 4 << 20
#: how long after the start of a round that brought little the next begins
_GATHER_SECONDS: Final = 0.01
#: how long a request waits for a single message, and how often the server says meanwhile that it is there
_AWAIT_SECONDS: Final = 25
HEARTBEAT_SECONDS: Final = 2
_NANO: Final = 1_000_000_000


class Pulls:
    """The requests of one connection. Times are monotonic seconds."""

    def __init__(self, next_subject: str, inbox: bytes) -> None:
        """Requests go to `next_subject`, and what they bring comes to `inbox`."""
        self._collect = _request(next_subject, inbox, PULL)
        self._await = _request(next_subject, inbox, 1, _AWAIT_SECONDS)
        #: messages asked for in the present round, still owed of them, and arrived
        self._asked = self._owed = self._arrived = 0
        self._began_at = self._next_at = 0.0
        #: whether the last round brought nothing
        self._is_quiet = True
        #: whether the next one waits for room
        self._lacks_room = False

    @property
    def is_owed(self) -> bool:
        """Whether the server owes messages, or the word that none come."""
        return self._owed > 0

    def arrived(self, messages: int) -> None:
        """So many messages came."""
        self._owed = max(0, self._owed - messages)
        self._arrived += messages

    def ended(self, messages: int | None) -> None:
        """The server says that so many of one request will not come; None: it does not say how many."""
        self._owed = max(0, self._owed - (messages or PULL))

    def hold_off_until(self, at: float) -> None:
        """Ask for nothing before."""
        self._next_at = max(self._next_at, at)

    def requests(self, room: int, behind: int, now: float) -> bytes:
        """What to send now, with room for `room` messages; empty while the round is not over or not yet due.

        `behind` are the messages that the server held behind the last one that came.
        """
        if self._owed:
            return b""
        self._end_round()
        self._lacks_room = room < PULL
        if now < self._next_at or self._lacks_room:
            return b""
        rounds = min(room // PULL, behind // PULL + 1)
        self._asked = self._owed = 1 if self._is_quiet else rounds * PULL
        self._arrived, self._began_at = 0, now
        return self._await if self._is_quiet else self._collect * rounds

    def seconds_until_due(self, now: float, at_most: float) -> float:
        """How long nothing has to be sent, as far as is known now."""
        if self._owed:
            return at_most
        earliest = now + _GATHER_SECONDS if self._lacks_room else now
        return min(at_most, max(self._next_at, earliest) - now)

    def forget(self) -> None:
        """The connection is gone."""
        self._asked = self._owed = self._arrived = 0
        self._is_quiet, self._lacks_room = True, False

    def _end_round(self) -> None:
        if self._asked:
            self._is_quiet = not self._arrived
            if self._arrived < self._asked:
                self.hold_off_until(self._began_at + _GATHER_SECONDS)
            self._asked = 0


def _request(next_subject: str, inbox: bytes, messages: int, wait_seconds: int = 0) -> bytes:
    question: dict[str, object] = {"batch": messages, "max_bytes": _PULL_BYTES}
    if wait_seconds:
        question |= {"expires": wait_seconds * _NANO, "idle_heartbeat": HEARTBEAT_SECONDS * _NANO}
    else:
        question |= {"no_wait": True}
    body = json.dumps(question).encode()
    return b"PUB %b %b %d\r\n%b\r\n" % (next_subject.encode(), inbox, len(body), body)
