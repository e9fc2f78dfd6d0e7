"""The seam between a broker and the pipeline: messages come with a token and are acknowledged after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from thalweg.wire.topics import Channel

#: the channels that lead from devices to a gateway
UPLINK: Final = (Channel.EVENTS, Channel.EVENTS_JSON, Channel.STATE)


class Message(NamedTuple):
    """One message as the broker delivered it; a tuple, since making one is a third of what taking one costs."""

    topic: str
    payload: bytes
    received_at: datetime
    #: the source's own handle for acknowledging; the pipeline never looks inside
    token: object


class Lag(NamedTuple):
    """What is on its way and was not taken yet, in messages."""

    #: read from the broker, waiting in this process
    here: int
    #: waiting at the broker; None where it does not say
    at_broker: int | None


class Source(Protocol):
    """A broker subscription that redelivers whatever was not committed."""

    #: whether the broker delivers
    is_ready: bool

    def lag(self) -> Lag:
        """What was not taken yet, as of the last delivery; may be asked from any thread."""

    def take(self, limit: int, wait_seconds: float) -> list[Message]:
        """Up to `limit` messages; waits at most `wait_seconds` for the first. Empty while the broker is away."""

    def commit(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose effects are durable. Tokens of a lost connection are ignored: they come again."""

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages, each topic and payload, downwards, at most once; dropped while the broker is away.

        Any thread may call it.
        """

    def pause(self) -> None:
        """Stop taking: devices are told to keep their events, and the broker keeps what it holds.

        What was taken and is not committed stays taken, however long it lasts.
        """

    def resume(self) -> None:
        """Take again."""

    def close(self) -> None:
        """Tell devices that nothing is taken any more, and leave."""
