"""What one device knows: what it has sent, what receipts cover, and what it sends next (protocol, rules 1 to 4).

It frees nothing before the end, so a store that was put back to an earlier state gets everything again.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from thalweg.errors import WireError
from thalweg.wire.text import open_sealed, seal
from thalweg.wire.topics import Channel
from thalweg_app.chaos.workload import Outgoing, Sealed, Sort

#: give up waiting for a receipt, as the firmware does
PATIENCE_SECONDS: Final = 10.0
_MAX_RIVAL_COPIES: Final = 3
#: a message by its number: originals first, then rivals, then what is corrupt
Number = int


@dataclass(slots=True)
class Record:
    """What became of one message."""

    message: Sealed
    sent: int = 0
    #: since the store began its present life; what is no original is sent again until it is
    is_acknowledged: bool = False
    was_acknowledged: bool = False
    #: a receipt of the store's present life covers it
    is_covered: bool = False
    was_receipted: bool = False
    is_waiting: bool = False

    def as_json(self, device: str) -> dict[str, Any]:
        """The truth about it, for the judge."""
        return {
            "device": device,
            "sort": self.message.sort,
            "boot": self.message.boot,
            "first": self.message.first_seq,
            "end": self.message.end_seq,
            "digest": self.message.digest.hex(),
            "late": self.message.is_late,
            "sent": self.sent,
            "acknowledged": self.was_acknowledged,
            "receipted": self.was_receipted,
            "sums": [[*place, *total] for place, total in self.message.sums.items()],
        }


class DeviceState:
    """One device without its connection."""

    def __init__(self, outgoing: Outgoing, downlink_key: bytes, seed: str, *, is_deaf: bool) -> None:
        """A deaf device publishes also while the gateway says that it is off."""
        self._key = downlink_key
        self._chance = random.Random(f"device/{seed}")  # noqa: S311 - reproducible, no secret
        self.is_deaf = is_deaf
        originals, rivals = outgoing.originals, list(outgoing.rivals.values())
        self.records = [Record(message) for message in [*originals, *rivals, *outgoing.corrupt]]
        self._originals = len(originals)
        #: place of an original → number of its rival
        self._rival_of = dict(zip(outgoing.rivals, range(self._originals, self._originals + len(rivals)), strict=True))
        self._original_of = {rival: place for place, rival in self._rival_of.items()}
        corrupt = range(self._originals + len(rivals), len(self.records))
        self._plan: deque[Number] = deque(_mixed(self._chance, outgoing.order, corrupt))
        #: to be sent before anything else of the plan
        self._again: deque[Number] = deque()
        self._by_boot = {
            boot: [number for number in range(self._originals) if originals[number].boot == boot]
            for boot in {message.boot for message in originals}
        }
        self._first_seqs = {boot: [originals[each].first_seq for each in own] for boot, own in self._by_boot.items()}
        self._floor = dict.fromkeys(self._by_boot, 0)
        self._epoch = ""
        self._next_seq: dict[int, int] = {}
        self._gateway = ""
        self._progress_at = 0.0
        self.epochs = 0
        self.receipts = 0
        #: receipts that do not verify: there must be none
        self.forged = 0
        #: sends of the plan that are left
        self.planned = len(self._plan)

    @property
    def may_send(self) -> bool:
        """Whether the gateway takes events, as far as this device cares."""
        return bool(self._gateway) or self.is_deaf

    @property
    def is_done(self) -> bool:
        """Everything was sent; receipts cover all originals, and the broker has all the rest."""
        return not self.planned and not self._again and not self._missing()

    def next_again(self) -> Number | None:
        """What is sent again before anything new."""
        while self._again:
            number = self._again.popleft()
            self.records[number].is_waiting = False
            if self._may_go(number):
                return number
        return None

    def next_planned(self) -> Number:
        """The next of the plan; there must be one."""
        self.planned -= 1
        return self._plan.popleft()

    def acknowledged(self, number: Number) -> None:
        """The broker has it, which frees nothing."""
        record = self.records[number]
        record.is_acknowledged = record.was_acknowledged = True

    def unanswered(self, numbers: Iterable[Number]) -> None:
        """A connection ended before the broker had acknowledged these."""
        self._send_again(number for number in numbers if not self.records[number].is_acknowledged)

    def connected(self) -> None:
        """On a new connection the gateway has not said yet that it is on."""
        self._gateway = ""

    def birth(self, key: bytes, boot_place: int, now_ms: int) -> bytes:
        """What it says of itself when it connects: the signed text of its boot of that place."""
        boot = list(self._by_boot)[boot_place % len(self._by_boot)]
        sent = [self.records[each].message.end_seq for each in self._by_boot[boot] if self.records[each].sent]
        body = {"state": "on", "boot": boot, "next": max(sent, default=0), "fw": "chaos", "hw": "none"}
        return seal(Channel.STATE, body | {"up": 1, "now": now_ms, "q": 1, "kinds": {}}, key)

    def take_receipt(self, message: bytes, now_seconds: float) -> int:
        """Apply one receipt; the gateway's clock in it, or 0 when it does not verify. `now_seconds` is monotonic."""
        try:
            body = open_sealed(Channel.RECEIPT, message, self._key)
        except WireError:
            self.forged += 1
            return 0
        self.receipts += 1
        boot, next_seq, epoch = int(body["boot"]), int(body["next"]), str(body["epoch"])
        if self._epoch not in ("", epoch) or next_seq < self._next_seq.get(boot, 0):
            self._store_lost_something()
        self.epochs += epoch != self._epoch
        self._epoch, self._next_seq[boot] = epoch, next_seq
        if self._cover(boot, next_seq, body["beyond"]):
            self._progress_at = now_seconds
        return int(body["now"])

    def take_gateway_state(self, message: bytes, now_seconds: float) -> None:
        """The gateway is on or off; one that turns on, or another one, gets again what no receipt covers."""
        body = json.loads(message)
        gateway = str(body.get("instance", "?")) if body["state"] == "on" else ""
        if gateway and gateway != self._gateway:
            self.begin_pass(now_seconds)
        self._gateway = gateway

    def begin_pass(self, now_seconds: float) -> None:
        """Send again, oldest first, everything that was sent and not answered for good."""
        self._progress_at = now_seconds
        self._send_again(number for number in self._missing() if self.records[number].sent)

    def check_progress(self, now_seconds: float) -> None:
        """Give up waiting for receipts that do not come."""
        if self.may_send and not self._again and now_seconds - self._progress_at > PATIENCE_SECONDS:
            self.begin_pass(now_seconds)

    def _missing(self) -> list[Number]:
        """What the store, as far as this device knows, does not have; what may not be sent yet left out."""
        return [number for number in range(len(self.records)) if self._is_wanted(number)]

    def _is_wanted(self, number: Number) -> bool:
        record = self.records[number]
        is_answered = record.is_covered if record.message.sort is Sort.ORIGINAL else record.is_acknowledged
        return not is_answered and self._may_go(number)

    def _may_go(self, number: Number) -> bool:
        record = self.records[number]
        if record.message.sort is Sort.ORIGINAL:
            return not record.is_covered
        original = self._original_of.get(number)  # a rival comes after it, so that it is known which of the two counts
        return original is None or self.records[original].is_covered

    def _send_again(self, numbers: Iterable[Number]) -> None:
        for number in numbers:
            if not self.records[number].is_waiting:
                self.records[number].is_waiting = True
                self._again.append(number)

    def _store_lost_something(self) -> None:
        for record in self.records:
            record.is_covered = record.is_acknowledged = False
        self._floor = dict.fromkeys(self._floor, 0)
        self._next_seq.clear()
        self._send_again(number for number in self._missing() if self.records[number].sent)

    def _cover(self, boot: int, next_seq: int, beyond: Sequence[Sequence[int]]) -> bool:
        """Whether a receipt covers something that none covered before; it may be of a boot that is not held."""
        own, firsts = self._by_boot.get(boot, []), self._first_seqs.get(boot, [])
        news, floor = False, self._floor.get(boot, 0)
        while floor < len(own) and self.records[own[floor]].message.end_seq <= next_seq:
            news |= self._covered(own[floor])
            floor += 1
        self._floor[boot] = floor
        for first, end in beyond:
            for place in range(bisect_left(firsts, first), len(own)):
                if self.records[own[place]].message.end_seq > end:
                    break
                news |= self._covered(own[place])
        return news

    def _covered(self, number: Number) -> bool:
        record = self.records[number]
        if record.is_covered:
            return False
        record.is_covered = record.was_receipted = True
        rival = self._rival_of.get(number)
        if rival is not None and not self.records[rival].is_acknowledged:
            self.records[rival].is_waiting = True
            self._again.extend([rival] * self._chance.randint(1, _MAX_RIVAL_COPIES))
        return True


def _mixed(chance: random.Random, order: Sequence[Number], more: Iterable[Number]) -> list[Number]:
    """`order` with `more` at any places."""
    mixed = list(order)
    for number in more:
        mixed.insert(chance.randint(0, len(mixed)), number)
    return mixed
