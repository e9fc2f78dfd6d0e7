"""Tells every device, once, that the store has begun another life.

Devices hear of a new epoch by a receipt, and receipts answer messages. One that has nothing to send would keep to
itself what a restored store has lost, until it speaks for another reason.
"""

from __future__ import annotations

import time

from thalweg.intervals import Intervals
from thalweg_gateway.receipts import OwedReceipt
from thalweg_store.database import Database
from thalweg_store.directory import Directory
from thalweg_store.new_life import is_unheard, remembered


class NewLife:
    """Which life of the store one gateway's devices know of."""

    def __init__(self, database: Database, ecosystem: str, instance: str) -> None:
        self._database = database
        self._ecosystem = ecosystem
        self._instance = instance
        self._epoch = ""

    def at_the_start(self, directory: Directory) -> list[OwedReceipt]:
        """What every device is owed when this gateway starts in a life in which it has committed nothing."""
        self._epoch = directory.store_epoch
        return self.receipts(directory) if is_unheard(self._database, self._instance) else []

    def is_untold(self, directory: Directory) -> bool:
        """Whether `directory` is of another life than the one that was known so far."""
        self._epoch = self._epoch or directory.store_epoch
        return directory.store_epoch != self._epoch

    def receipts(self, directory: Directory) -> list[OwedReceipt]:
        """What every device is owed in a new life."""
        devices = remembered(self._database, self._ecosystem)
        self._epoch = directory.store_epoch
        return [
            OwedReceipt(
                device=each.device,
                key_version=each.key_version,
                boot=each.boot,
                committed=Intervals([(0, each.next_seq)] if each.next_seq else []),
                latest=Intervals(),
                store_epoch=directory.store_epoch,
                now_ms=time.time_ns() // 1_000_000,
            )
            for each in devices
        ]
