"""Panes of the live view, gathered: they are written twice a second at most, whatever the number of transactions.

A pane row is one more for every flow of every transaction, and a live view shows one frame a second. What waits here is
no fact (rollups are): a gateway that is killed takes half a second of the live view with it, and of nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from thalweg_store.facts import FlowKey, Total

INTERVAL_SECONDS: Final = 0.5

Panes = Mapping[FlowKey, Total]


class LivePanes:
    """What the next transaction that is due writes. Times are monotonic seconds."""

    def __init__(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._waiting: defaultdict[FlowKey, Total] = defaultdict(Total)
        self._due_at = float("-inf")

    def is_due(self, now_seconds: float) -> bool:
        """Whether something waits that nobody has to wait for any longer."""
        return bool(self._waiting) and now_seconds >= self._due_at

    def to_write(self, more: Panes, now_seconds: float) -> Panes:
        """All that waits and `more`, where it is time to write; else nothing. Call `settle` after the commit."""
        if now_seconds < self._due_at:
            return {}
        together = self.waiting()
        for flow, total in more.items():
            together[flow].add(total.quantity, total.occurrences)
        return together

    def waiting(self) -> defaultdict[FlowKey, Total]:
        """A copy of all that waits."""
        copied = {flow: Total(total.quantity, total.occurrences) for flow, total in self._waiting.items()}
        return defaultdict(Total, copied)

    def settle(self, more: Panes, written: Panes, now_seconds: float) -> None:
        """A transaction with `more` was committed that wrote `written`, which includes it unless empty."""
        if written:
            self._waiting.clear()
            self._due_at = now_seconds + self._interval_seconds
            return
        for flow, total in more.items():
            self._waiting[flow].add(total.quantity, total.occurrences)

    def forget(self, assignments: Collection[int]) -> None:
        """Whoever changed these assignments has written anew what waits of them."""
        for flow in [flow for flow in self._waiting if flow.assignment in assignments]:
            del self._waiting[flow]

    def forget_all(self) -> None:
        """What waits belongs to another store."""
        self._waiting.clear()
