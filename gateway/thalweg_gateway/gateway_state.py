"""What devices are told: whether anybody takes their events. One retained topic, however many gateways there are.

The topic must say "off" only when no gateway is left. But each says "off" when it pauses, and the broker says it for
one that died (its last will). So every gateway reads the topic, and one that hears "off" while it is on says "on"
again. It waits a moment before, at random, and keeps silent when another was faster. Nobody contradicts the last one.
Devices take the blip: "on" of another instance makes them send what no receipt covers, which does no harm.
"""

from __future__ import annotations

import json
import random
import secrets
from dataclasses import dataclass, field
from typing import Final

#: the longest wait before a contradiction
CONTRADICT_SECONDS: Final = 0.5
OFF: Final = b'{"state":"off"}'


@dataclass(frozen=True, slots=True)
class _Wish:
    """What this gateway wants devices to know; each one that is on is another instance."""

    is_on: bool
    instance: str = field(default_factory=lambda: secrets.token_hex(4))

    def payload(self) -> bytes:
        return b'{"state":"on","instance":"%b"}' % self.instance.encode() if self.is_on else OFF


class GatewayState:
    """One gateway's side of it; the owner publishes what `due` gives and hands over what it hears."""

    def __init__(self) -> None:
        self._wish = _Wish(is_on=True)
        self._told: _Wish | None = None
        self._contradict_at: float | None = None

    @property
    def is_told(self) -> bool:
        """Whether the broker has been given what was wanted last."""
        return self._told is self._wish

    def want(self, *, is_on: bool) -> None:
        """Have devices told; nothing happens when they know. Any thread may call it."""
        if self._wish.is_on != is_on:
            self._wish = _Wish(is_on)

    def connected(self) -> None:
        """After a connection was made: the broker may know anything, so it is told as another instance."""
        self._wish = _Wish(self._wish.is_on)
        self._told = self._contradict_at = None

    def hear(self, payload: bytes, now_seconds: float) -> None:
        """What the topic says, this gateway's own words included; `now_seconds` is monotonic."""
        if _is_on(payload):
            self._contradict_at = None
        elif self._contradict_at is None:
            self._contradict_at = now_seconds + random.uniform(0, CONTRADICT_SECONDS)  # noqa: S311 - no secret

    def due(self, now_seconds: float) -> bytes | None:
        """What to publish now, retained and at QoS 1; None when there is nothing to say."""
        wish = self._wish
        is_contradicted = wish.is_on and self._contradict_at is not None and now_seconds >= self._contradict_at
        if self._told is wish and not is_contradicted:
            return None
        self._told, self._contradict_at = wish, None
        return wish.payload()


def _is_on(payload: bytes) -> bool:
    try:
        body = json.loads(payload)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("state") == "on"
