"""Whether a gateway lives, and whether it is ready to do its work; an observer that remembers a few moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from thalweg.errors import StoreError, StoreUnavailable
from thalweg_gateway.observability import Commit
from thalweg_gateway.source import Message
from thalweg_store.directory import Directory

#: the loop turns every half second; a process whose loop stands for so long is better started again
STANDSTILL_SECONDS: Final = 120.0
#: messages that wait for their commit longer than this mean trouble: a lock in the database, a broken disk
STALL_SECONDS: Final = 30.0
_PROBE_SECONDS: Final = 2.0
OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a health check: each check's name with "ok" or what is wrong, in words."""

    checks: Mapping[str, str]

    @property
    def is_good(self) -> bool:
        """Whether every check passed."""
        return all(outcome == OK for outcome in self.checks.values())


class Health:
    """Observes one pipeline; asked from another thread.

    `is_connected()` says whether the broker delivers; `probe_database()` raises StoreError when the database does not
    answer, and must use a connection of its own. `clock()` is monotonic, in seconds.
    """

    def __init__(
        self,
        is_connected: Callable[[], bool],
        probe_database: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_connected = is_connected
        self._probe_database = probe_database
        self._clock = clock
        self._turned_at = clock()
        self._waiting_since: float | None = None
        self._has_directory = False
        self._away = ""
        self._probe_lock = threading.Lock()
        self._probed_at = float("-inf")
        self._probed = OK

    def alive(self) -> Verdict:
        """Whether the loop turns, be it in vain."""
        still_seconds = self._clock() - self._turned_at
        standstill = f"nothing has moved for {still_seconds:.0f} s"
        return Verdict({"loop": OK if still_seconds < STANDSTILL_SECONDS else standstill})

    def ready(self) -> Verdict:
        """Whether messages come, and become durable."""
        return Verdict(
            {
                **self.alive().checks,
                "source": OK if self._is_connected() else "not connected to the broker, or not subscribed yet",
                "database": self._away or self._probe(),
                "directory": OK if self._has_directory else "the registry has not been read yet",
                "commits": self._progress(),
            }
        )

    def took(self, messages: Sequence[Message]) -> None:
        """The loop turns; what was taken now waits for its commit."""
        self._turned_at = self._clock()
        if messages and self._waiting_since is None:
            self._waiting_since = self._turned_at

    def committed(self, commit: Commit) -> None:  # noqa: ARG002 - of the protocol
        """What was taken is durable."""
        self._turned_at = self._clock()
        self._waiting_since = None

    def database_away(self, error: StoreUnavailable) -> None:
        """Remember why."""
        self._turned_at = self._clock()
        self._away = str(error)

    def database_answered(self, directory: Directory | None) -> None:
        """Forget it, and remember whether there is a directory."""
        self._away = ""
        self._has_directory = directory is not None

    def receipts(self, sent: int, owed: int) -> None:
        """Nothing to remember."""

    def _progress(self) -> str:
        since = self._waiting_since
        if since is None or (waited := self._clock() - since) < STALL_SECONDS:
            return OK
        return f"messages were taken {waited:.0f} s ago and are not committed"

    def _probe(self) -> str:
        """The database's answer, at most two seconds old."""
        with self._probe_lock:
            if self._clock() - self._probed_at >= _PROBE_SECONDS:
                try:
                    self._probe_database()
                    self._probed = OK
                except StoreError as error:
                    self._probed = str(error)
                self._probed_at = self._clock()
            return self._probed
