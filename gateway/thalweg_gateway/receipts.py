"""Commit receipts: coalesced to at most five a second for a device, cumulative, so that a lost one does no harm.

A thread of their own sends them when they are due: a device that may have one need not wait until whoever commits has
committed again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from thalweg.intervals import Intervals
from thalweg.wire.messages import Receipt
from thalweg.wire.text import seal
from thalweg.wire.topics import Channel, device_topic
from thalweg_gateway.intake import KeyRing
from thalweg_store.facts import BootKey
from thalweg_store.ingest import IngestTransaction

INTERVAL_SECONDS: Final = 0.2
#: receipts that fall due within so long leave together: waking for each costs more than they do
_TICK_SECONDS: Final = 0.01
_MAX_INTERVALS: Final = 8


@dataclass(slots=True, kw_only=True)
class OwedReceipt:
    """What a device is to be told of one of its boots."""

    device: str
    #: of the keys that the device holds now
    key_version: int
    boot: int
    #: committed seqs: all below the first gap, and those beyond that are known
    committed: Intervals
    #: committed seqs that the device sent just now: the first to be named
    latest: Intervals
    store_epoch: str
    now_ms: int

    def after(self, before: OwedReceipt | None) -> OwedReceipt:
        """This receipt, naming also what `before`, which it replaces unsent, would have named."""
        if before is None or before.store_epoch != self.store_epoch:
            return self
        for first, end in before.latest:
            self.latest.add(first, end)
            self.committed.add(first, end)
        return self

    def receipt(self) -> Receipt:
        """The message; of many intervals beyond the first gap it names those that were sent last."""
        next_seq = self.committed.next_missing
        beyond = [interval for interval in self.committed if interval[0] > next_seq]
        if len(beyond) > _MAX_INTERVALS:
            beyond.sort(key=lambda interval: not self.latest.overlap(*interval))
            beyond = sorted(beyond[:_MAX_INTERVALS])
        return Receipt(self.store_epoch, self.boot, next_seq, tuple(beyond), 0, self.now_ms)


class Speaker(NamedTuple):
    """Who was heard from."""

    device: str
    #: of the key that signed what came last
    key_version: int
    #: whether that was a birth or last will, which is signed with the key that the device holds now
    is_born: bool = False


@dataclass(slots=True)
class _Desk:
    """What one device is owed."""

    sent_at: float = float("-inf")
    #: boot → receipt to send
    owed: dict[int, OwedReceipt] = field(default_factory=dict)


def _unobserved(_sent: int, _waiting: int) -> None:
    """Nobody listens."""


class Receipts:
    """Receipts owed, and sent when they may be; `publish` sends messages, each topic and payload, from any thread."""

    def __init__(
        self,
        ecosystem: str,
        ring: KeyRing,
        publish: Callable[[Sequence[tuple[str, bytes]]], None],
        observe: Callable[[int, int], None] = _unobserved,
    ) -> None:
        """`observe(sent, waiting)` is told how many receipts have just left and how many devices wait for theirs."""
        self._ecosystem = ecosystem
        self._ring = ring
        self._publish = publish
        self._observe = observe
        self._desks: dict[str, _Desk] = {}
        self._waiting: set[str] = set()
        #: guards desks, and keeps receipts of one boot in order on their way out
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def owe(self, receipts: Iterable[OwedReceipt]) -> None:
        """Owe receipts; a later one for the same boot replaces an earlier one, and those of another life go.

        Sent behind the first of a new life, they would tell the device that the store has what it has lost.
        """
        with self._changed:
            for receipt in receipts:
                owed = self._desks.setdefault(receipt.device, _Desk()).owed
                if any(each.store_epoch != receipt.store_epoch for each in owed.values()):
                    owed.clear()
                owed[receipt.boot] = receipt.after(owed.get(receipt.boot))
                self._waiting.add(receipt.device)
            self._changed.notify()

    def send_due(self, now_seconds: float) -> int:
        """Send what is owed to devices that had none within the interval, and say how many receipts these were.

        `now_seconds` is monotonic.
        """
        with self._changed:
            sent: list[tuple[str, bytes]] = []
            for name in list(self._waiting):
                desk = self._desks[name]
                if now_seconds - desk.sent_at < INTERVAL_SECONDS:
                    continue
                topic = device_topic(self._ecosystem, name, Channel.RECEIPT)
                for owed in desk.owed.values():
                    key = self._ring.keys(name, owed.key_version).downlink
                    sent.append((topic, seal(Channel.RECEIPT, owed.receipt().body(), key)))
                desk.owed.clear()
                desk.sent_at = now_seconds
                self._waiting.discard(name)
            if sent:
                self._publish(sent)
            self._observe(len(sent), len(self._waiting))
        return len(sent)

    def start(self) -> None:
        """Send what is due from now on, whatever else is at work."""
        self._thread = threading.Thread(target=self._keep_sending, name="receipts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send nothing more: what a device was not told, it sends again."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _keep_sending(self) -> None:
        with self._changed:
            while not self._is_closing:
                wait_seconds = self._seconds_until_due(time.monotonic())
                if wait_seconds is None or wait_seconds > 0:
                    self._changed.wait(wait_seconds)
                else:
                    self.send_due(time.monotonic())

    def _seconds_until_due(self, now_seconds: float) -> float | None:
        """How long nothing has to be sent; None when nothing is owed."""
        first = min((self._desks[name].sent_at for name in self._waiting), default=None)
        return None if first is None else first + INTERVAL_SECONDS + _TICK_SECONDS - now_seconds


def owed_receipts(
    speakers: Mapping[BootKey, Speaker], transaction: IngestTransaction, store_epoch: str, now: datetime
) -> list[OwedReceipt]:
    """The receipts for every boot that was heard from, to be signed with the key that its device holds now."""
    born = {key.device: each.key_version for key, each in speakers.items() if each.is_born}
    unborn = {key.device for key in speakers} - set(born)
    versions = transaction.key_versions(unborn) | born if unborn else born
    now_ms = int(now.timestamp() * 1000)
    receipts = []
    for key, speaker in speakers.items():
        boot = transaction.boot(key)
        receipts.append(
            OwedReceipt(
                device=speaker.device,
                key_version=versions.get(key.device, speaker.key_version),
                boot=key.boot,
                committed=boot.committed(),
                latest=boot.touched,
                store_epoch=store_epoch,
                now_ms=now_ms,
            )
        )
    return receipts
