"""A broker in memory that never runs dry before it has delivered so many messages."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from thalweg_app.fuzz.messages import Messages, Sent
from thalweg_gateway.source import Lag, Message

#: the stream's own clock, so that a seed gives the same messages on every day
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(milliseconds=50)


class FuzzSource:
    """Delivers the messages of a stream; what made the gateway stumble comes again, one by one."""

    def __init__(self, messages: Messages, count: int, saw: Callable[[Sent], None]) -> None:
        """`saw` is told of each message when it is sent."""
        self.is_ready = True
        self.strategies: Counter[str] = Counter()
        self.acknowledged = 0
        self.published = 0
        self._messages = messages
        self._left = count
        self._saw = saw
        self._now = _BEGINNING
        #: number → message
        self._taken: dict[object, Message] = {}
        self._again: deque[Message] = deque()

    @property
    def is_done(self) -> bool:
        """Whether everything was sent and acknowledged."""
        return not (self._left or self._taken or self._again)

    @property
    def taken(self) -> Sequence[Message]:
        """What was delivered and is not acknowledged."""
        return list(self._taken.values())

    def deliver_again(self) -> None:
        """Deliver what is not acknowledged anew, each message alone."""
        self._again.extendleft(reversed(self._taken.values()))
        self._taken = {}

    def drop(self) -> None:
        """Forget what was delivered and is not acknowledged."""
        self._taken = {}

    def lag(self) -> Lag:
        """What is still to come."""
        return Lag(self._left + len(self._again), None)

    def take(self, limit: int, wait_seconds: float) -> list[Message]:  # noqa: ARG002 - never waits
        """The next messages."""
        messages = [self._again.popleft()] if self._again else [self._made() for _ in range(min(limit, self._left))]
        self._taken |= {message.token: message for message in messages}
        return messages

    def commit(self, messages: Sequence[Message]) -> None:
        """Count acknowledgements."""
        self.acknowledged += len(messages)
        for message in messages:
            del self._taken[message.token]

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Count what is sent downwards."""
        self.published += len(messages)

    def pause(self) -> None:
        """Nobody has to be told."""

    def resume(self) -> None:
        """Nobody has to be told."""

    def close(self) -> None:
        """Nobody has to be told."""

    def _made(self) -> Message:
        self._left -= 1
        self._now += _STEP
        sent = self._messages.next(int(self._now.timestamp() * 1000))
        self.strategies[sent.strategy] += 1
        self._saw(sent)
        return Message(sent.topic, sent.payload, self._now, self._left)
