"""The next messages are prepared by another thread while the present ones are being written.

Whoever writes waits for the database half of the time. It is worth it only when a whole take waits already: less would
make many small transactions out of few large ones, and nobody would get a receipt sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from thalweg_gateway.preparing import Prepared
from thalweg_gateway.source import Message, Source


@dataclass(slots=True)
class Take:
    """Messages that were taken together."""

    messages: Sequence[Message]
    #: what another thread makes of them
    coming: Future[Prepared] | None = None

    def prepared(self) -> Prepared | None:
        """What another thread made of them, once: it is made anew for a second try."""
        coming, self.coming = self.coming, None
        return coming.result() if coming is not None else None


class LookAhead:
    """At most one take is prepared ahead of the one at work."""

    def __init__(self, source: Source, limit: int) -> None:
        """A whole take is `limit` messages."""
        self._source = source
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, "prepare")
        self._next: Take | None = None

    def take(self, wait_seconds: float) -> Take:
        """The messages that are next; waits at most `wait_seconds` for the first where none were taken ahead."""
        taken, self._next = self._next, None
        return taken or Take(self._source.take(self._limit, wait_seconds))

    def begin(self, prepare: Callable[[Sequence[Message]], Prepared]) -> None:
        """Take the messages behind those at work and have them prepared, if a whole take of them is there."""
        if self._next is None and self._source.lag().here >= self._limit // 2:
            messages = self._source.take(self._limit, 0)
            self._next = Take(messages, self._thread.submit(prepare, messages))

    def close(self) -> None:
        """Forget what was taken ahead: the broker has it still."""
        self._thread.shutdown(cancel_futures=True)
