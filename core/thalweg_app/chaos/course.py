"""The course of a run: the load goes from step to step of the plan, and after each fault the system must come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from thalweg_app.chaos.faults import Faults
from thalweg_app.chaos.load_process import LoadProcess
from thalweg_app.chaos.plan import Kind, Step
from thalweg_app.chaos.report import Happened
from thalweg_app.chaos.watch import Watch

#: a system that has not recovered after so long never will
RECOVERY_SECONDS: Final = 120
#: and a load in which nothing moves for so long has come to a stop
STALLED_SECONDS: Final = 180
_AWAY: Final = frozenset({Kind.AWAY, Kind.FULL, Kind.LOCK})
_UNHURT: Final = frozenset({Kind.BACKUP, Kind.CLOSE})


class Course:
    """One load on one system."""

    def __init__(self, watch: Watch, faults: Faults, load: LoadProcess, tell: Callable[[str], None]) -> None:
        self._watch = watch
        self._faults = faults
        self._load = load
        self._tell = tell
        self._began = time.monotonic()
        self.happened: list[Happened] = []
        #: memory of the gateway at the end of the faults in which it had no database
        self.peak_bytes_away = 0

    @property
    def seconds(self) -> float:
        """Since the load began."""
        return time.monotonic() - self._began

    def play(self, steps: Sequence[Step]) -> None:
        """All steps, and then the rest of the load; breaks off where the system does not come back."""
        limits = [*(step.limit for step in steps[1:]), 1]
        for step, limit in zip(steps, limits, strict=True):
            if not self._reach(step) or not self._take(step, limit).ok:
                self._tell("the system does not come back")
                break
        else:
            self._tell("everything else of the load")
            self._load.allow(1)
            if self._while_it_moves(lambda: self._load.has_ended):
                return
        self._load.give_up()

    def _reach(self, step: Step) -> bool:
        """Let the load come to a step; whether it does."""
        self._load.allow(step.limit)
        wanted = self._load.progress().planned * step.at
        return self._while_it_moves(lambda: self._load.progress().sent >= wanted)

    def _take(self, step: Step, next_limit: float) -> Happened:
        """Do it, and wait until the system is back: all programs serve, and a receipt tells of a later commit."""
        began = self.seconds
        self._load.allow((step.limit + next_limit) / 2)  # so that there is something to send meanwhile
        what = self._faults.do(step)
        over, over_ms = self.seconds, time.time_ns() // 1_000_000
        if step.kind in _AWAY:
            self.peak_bytes_away = max(self.peak_bytes_away, self._watch.last_bytes)
        self._load.allow(next_limit)
        is_fault = step.kind not in _UNHURT
        is_back = is_fault and self._watch.wait(
            RECOVERY_SECONDS, lambda: self._watch.all_ready() and self._load.progress().receipt_now_ms >= over_ms
        )
        happened = Happened(
            kind=step.kind,
            what=what,
            at_seconds=round(began, 1),
            lasted_seconds=round(over - began, 1),
            recovered_seconds=round(self.seconds - over, 2) if is_back else None,
            is_fault=is_fault,
        )
        self.happened.append(happened)
        self._tell(f"{what}: back after {happened.recovered_seconds} s" if is_back else what)
        return happened

    def _while_it_moves(self, until: Callable[[], bool]) -> bool:
        """Wait for a condition as long as the load goes on; whether it holds."""
        last, moved_at = None, time.monotonic()
        while not self._watch.wait(1, until):
            if (now := self._load.progress()) != last:
                last, moved_at = now, time.monotonic()
            if time.monotonic() - moved_at > STALLED_SECONDS:
                return False
        return True
