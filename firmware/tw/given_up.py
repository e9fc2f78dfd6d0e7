"""What this device numbered and can never send: declared in every birth, across restarts, until receipts cover it.

Two things make it: a file that a power cut tore, and a store that was put back to a time before batches that its
receipts had made free. Receipts show the second for boots with files in the outbox; for those that were freed wholly a
short list is kept. It is one small file beside the outbox, written when something changes, and bounded: of more
than sixteen intervals or boots the oldest are forgotten.
"""

import json
import os

from micropython import const

_MOST = const(16)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class GivenUp:
    """Half-open intervals of seqs, oldest first, and what is needed to find them; kept in the file at `path`."""

    def __init__(self, path: str) -> None:
        self._path = path
        #: (boot, first, end)
        self.intervals: list[tuple[int, int, int]] = []
        #: the store's life that receipts named last; "" before the first receipt ever
        self.epoch = ""
        #: (boot, end) of boots that receipts covered and that the outbox freed wholly
        self._freed: list[tuple[int, int]] = []
        self._is_saved = True
        self._is_news = False
        self._load()

    def add(self, boot: int, first: int, end: int) -> None:
        """Give up [first, end) of a boot, as far as that is not known yet."""
        known = [(start, stop) for number, start, stop in self.intervals if number == boot]
        for start, stop in without(first, end, known):
            self.intervals.append((boot, start, stop))
            self._is_saved = False
            self._is_news = True
        del self.intervals[:-_MOST]

    def cover(self, boot: int, next_seq: int, beyond: "Iterable[tuple[int, int]]") -> None:
        """A receipt says that everything below `next_seq` and the intervals `beyond` are committed after all."""
        if any(number == boot for number, _, _ in self.intervals):
            committed = list(beyond)
            committed.append((0, next_seq))
            left = [
                (number, start, stop)
                for number, first, end in self.intervals
                for start, stop in (without(first, end, committed) if number == boot else [(first, end)])
            ]
            if left != self.intervals:
                self.intervals = left[-_MOST:]
                self._is_saved = False

    def freed(self, boot: int, end: int) -> None:
        """The outbox has no file of a boot any more; receipts covered all of it, below the seq `end`."""
        self._freed.append((boot, end))
        del self._freed[:-_MOST]
        self._is_saved = False

    def begin_epoch(self, epoch: str) -> None:
        """The store names its life: another one may lack what receipts of the one before covered."""
        if epoch == self.epoch:
            return
        if self.epoch:
            for boot, end in self._freed:
                self.add(boot, 0, end)
            self._freed = []
        self.epoch = epoch
        self._is_saved = False

    def take_news(self) -> bool:
        """Whether something was given up since the last call: then the next birth is due now."""
        is_news, self._is_news = self._is_news, False
        return is_news

    def save(self) -> None:
        """Write what has changed; while the flash has no room, it stays in memory and is tried again."""
        if self._is_saved:
            return
        body = {"epoch": self.epoch, "freed": self._freed, "lost": self.intervals}
        try:
            with open(self._path + ".new", "w") as file:
                json.dump(body, file)
            os.rename(self._path + ".new", self._path)
        except OSError:
            return
        self._is_saved = True

    def _load(self) -> None:
        try:
            with open(self._path) as file:
                body = json.load(file)
            self.intervals = [(boot, first, end) for boot, first, end in body["lost"]]
            self._freed = [(boot, end) for boot, end in body["freed"]]
            self.epoch = body["epoch"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there yet; and a file that cannot be read tells nothing that could be declared


def without(first: int, end: int, parts: "Iterable[tuple[int, int]]") -> list[tuple[int, int]]:
    """The parts of [first, end) that lie in none of the half-open `parts`."""
    left = []
    for start, stop in sorted(parts):
        if stop > first and start < end:
            if start > first:
                left.append((first, start))
            first = stop
    if first < end:
        left.append((first, end))
    return left
