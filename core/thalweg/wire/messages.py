"""Bodies of the signed texts: commit receipt, birth and last will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from thalweg.errors import MalformedMessage

BOOT_LIMIT: Final = 1 << 32
#: the year 10000
_TIME_LIMIT_MS: Final = 253_402_300_800_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store has durably committed of one boot of one device.

    Cumulative, so that a lost receipt is made good by the next one. The device frees its outbox by receipts only.
    """

    #: names this life of the store; when it changes, the device sends again all that it still holds
    store_epoch: str
    boot: int
    #: every seq below this one is committed
    next_seq: int
    #: further committed intervals [first, end), ascending, none touching `next_seq`
    beyond: tuple[tuple[int, int], ...]
    #: milliseconds that the device shall wait between two batches; 0 = no limit
    slow_ms: int
    #: the gateway's clock, Unix time in ms
    now_ms: int

    def body(self) -> dict[str, Any]:
        """The JSON body, keys as in `docs/protocol.md`."""
        return {
            "epoch": self.store_epoch,
            "boot": self.boot,
            "next": self.next_seq,
            "beyond": [list(interval) for interval in self.beyond],
            "slow": self.slow_ms,
            "now": self.now_ms,
        }


@dataclass(frozen=True, slots=True)
class State:
    """A device's birth (`is_on`) or last will."""

    is_on: bool
    boot: int
    #: seqs given out so far in this boot
    next_seq: int
    #: boot before this one and the seq behind its last sealed event; None for a device's first start
    previous: tuple[int, int] | None
    #: (boot, first, end): seqs [first, end) of a boot that the device gave up
    lost: tuple[tuple[int, int, int], ...]
    #: Unix time minus uptime in ms; None while the device's clock is not set
    offset_ms: int | None
    #: firmware version, board, event schemas and the like, as sent
    details: dict[str, Any]


def read_state(body: dict[str, Any]) -> State:
    """A birth or last will from its JSON body; raises MalformedMessage naming the field."""
    if body.get("state") not in ("on", "off"):
        raise MalformedMessage('"state" is neither "on" nor "off"')
    previous = None
    if (raw := body.get("prev")) is not None:
        if not isinstance(raw, dict):
            raise MalformedMessage('"prev" is no object')
        previous = (_integer(raw, "boot"), _integer(raw, "next"))
    details = {key: value for key, value in body.items() if key not in ("state", "boot", "next", "prev", "lost")}
    return State(
        is_on=body["state"] == "on",
        boot=_integer(body, "boot"),
        next_seq=_integer(body, "next"),
        previous=previous,
        lost=_lost(body.get("lost", [])),
        offset_ms=_offset_ms(body),
        details=details,
    )


def _lost(raw: object) -> tuple[tuple[int, int, int], ...]:
    if not isinstance(raw, list):
        raise MalformedMessage('"lost" is no array')
    lost = []
    for each in raw:
        if not isinstance(each, list) or len(each) != 3:
            raise MalformedMessage('"lost" holds something else than [boot, first, end]')
        boot, first, end = (_integer({"lost": number}, "lost") for number in each)
        if first >= end:
            raise MalformedMessage(f'"lost" holds the empty interval [{first}, {end})')
        lost.append((boot, first, end))
    return tuple(lost)


def _offset_ms(body: dict[str, Any]) -> int | None:
    """How far the device's Unix time is ahead of its uptime, if it says that its clock is set."""
    numbers = [body.get(key) for key in ("q", "up", "now")]
    if not all(type(number) is int and 0 <= number < _TIME_LIMIT_MS for number in numbers):
        return None
    quality, up, now = numbers
    return now - up if quality and now else None


def _integer(body: dict[str, Any], key: str) -> int:
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= BOOT_LIMIT:
        raise MalformedMessage(f'"{key}" is no integer between 0 and 2^32')
    return value
