"""Commit receipts: coalesced to at most five a second for a device, cumulative, so that a lost one does no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from thalweg.intervals import Intervals
from thalweg.wire.messages import Receipt
from thalweg.wire.text import seal
from thalweg.wire.topics import Channel, device_topic
from thalweg_gateway.intake import KeyRing
from thalweg_store.registry import Device

INTERVAL_SECONDS: Final = 0.2
_MAX_INTERVALS: Final = 8


@dataclass(slots=True)
class _Desk:
    """What one device is owed."""

    sent_at: float = float("-inf")
    #: boot → receipt to send
    owed: dict[int, tuple[Device, Receipt]] = field(default_factory=dict)


class Receipts:
    """Receipts owed, and sent when they may be; `publish(topic, payload)` sends one."""

    def __init__(self, ecosystem: str, ring: KeyRing, publish: Callable[[str, bytes], None]) -> None:
        self._ecosystem = ecosystem
        self._ring = ring
        self._publish = publish
        self._desks: dict[str, _Desk] = {}
        self._waiting: set[str] = set()

    def owe(self, device: Device, boot: int, ranges: Intervals, store_epoch: str, now_ms: int) -> None:
        """Owe `device` a receipt for the committed `ranges` of `boot`; a later one replaces an earlier one."""
        next_seq = ranges.next_missing
        beyond = tuple(interval for interval in ranges if interval[0] > next_seq)[:_MAX_INTERVALS]
        receipt = Receipt(store_epoch, boot, next_seq, beyond, 0, now_ms)
        self._desks.setdefault(device.name, _Desk()).owed[boot] = (device, receipt)
        self._waiting.add(device.name)

    def send_due(self, now_seconds: float) -> None:
        """Send what is owed to devices that had none within the interval; `now_seconds` is monotonic."""
        for name in list(self._waiting):
            desk = self._desks[name]
            if now_seconds - desk.sent_at < INTERVAL_SECONDS:
                continue
            for device, receipt in desk.owed.values():
                key = self._ring.keys(device.name, device.key_version).downlink
                topic = device_topic(self._ecosystem, device.name, Channel.RECEIPT)
                self._publish(topic, seal(Channel.RECEIPT, receipt.body(), key))
            desk.owed.clear()
            desk.sent_at = now_seconds
            self._waiting.discard(name)

    def seconds_until_due(self, now_seconds: float, at_most: float) -> float:
        """How long nothing has to be sent."""
        waits = (self._desks[name].sent_at + INTERVAL_SECONDS - now_seconds for name in self._waiting)
        return max(0.0, min(waits, default=at_most))
