"""Waiting while the system runs: its programs are tended, and the gateway's memory is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from thalweg_app.bench.memory import peak_rss_bytes
from thalweg_app.supervisor import Supervisor

_LOOK_SECONDS: Final = 0.1
#: what a system of one machine with devices consists of
PROGRAMS: Final = ("postgres", "nats", "gateway", "auth")


class Watch:
    """The supervisor's time, and what was seen meanwhile."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        #: process id of each of the gateway's lives → the most memory that it had, in bytes
        self.peaks: dict[int, int] = {}
        #: that of the life that was looked at last
        self.last_bytes = 0

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Tend for `seconds`, or until the condition holds; whether it held."""
        deadline = time.monotonic() + seconds
        while True:
            self.look()
            if self._supervisor.wait(round(_LOOK_SECONDS * 1000), until):
                return True
            if time.monotonic() >= deadline:
                return False

    def look(self) -> None:
        """Note the gateway's memory."""
        process_id = self.process_id("gateway")
        if process_id is not None:
            with suppress(OSError, ValueError):  # it has just ended
                self.last_bytes = peak_rss_bytes(process_id)
                self.peaks[process_id] = max(self.peaks.get(process_id, 0), self.last_bytes)

    def process_id(self, name: str) -> int | None:
        """Of a program that runs."""
        return self._supervisor.report()[name].pid

    def all_ready(self) -> bool:
        """Whether all programs run and serve."""
        report = self._supervisor.report()
        return all(report[name].is_ready for name in PROGRAMS)

    def restarts(self) -> dict[str, int]:
        """How often each program was started again."""
        return {name: each.restarts for name, each in self._supervisor.report().items()}

    @property
    def peak_bytes(self) -> int:
        """The most memory that any of the gateway's lives had."""
        return max(self.peaks.values(), default=0)
