"""The seam between a broker and the pipeline: messages come with a token and are acknowledged after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes
    received_at: datetime
    #: the source's own handle for acknowledging; the pipeline never looks inside
    token: object


class Source(Protocol):
    """A broker subscription that redelivers whatever was not committed."""

    def take(self, limit: int, wait_seconds: float) -> list[Message]:
        """Up to `limit` messages; waits at most `wait_seconds` for the first. Empty while the broker is away."""

    def commit(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose effects are durable. Tokens of a lost connection are ignored: they come again."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message downwards, at most once; dropped while the broker is away."""

    def pause(self) -> None:
        """Stop taking: devices are told to keep their events, and the broker keeps what it holds."""

    def resume(self) -> None:
        """Take again."""

    def close(self) -> None:
        """Tell devices that nothing is taken any more, and leave."""
