"""Keeps the programs of one machine running: starts them in order, restarts what ends, stops in reverse order.

It has no threads and no loop of its own: the owner calls `wait` (or `tend`) from its main thread, and between two
calls nothing is restarted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from thalweg.errors import SetupError
from thalweg_app.process import Process, Program, now_ms

FIRST_DELAY_MS: Final = 100
MAX_DELAY_MS: Final = 5_000
#: a program that served this long starts with the first delay again
HEALTHY_MS: Final = 10_000
_STEP_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class ChildReport:
    """How one program is doing."""

    #: None while it does not run
    pid: int | None
    is_ready: bool
    #: how often it ended and was, or after its delay will be, started again
    restarts: int
    #: None unless a finite program has done its work
    is_finished: bool


class Supervisor:
    """The programs in the order in which they were started; a context manager that stops them at its end."""

    def __init__(self) -> None:
        self._children: dict[str, _Child] = {}

    def start(self, program: Program) -> None:
        """Starts a program and returns when it is ready; raises SetupError with the end of its log when it fails."""
        self.launch(program)
        self.await_ready(program.name)

    def launch(self, program: Program) -> None:
        """Starts a program and does not wait until it is ready."""
        if program.name in self._children:
            raise ValueError(f"{program.name} has been started already")
        self._children[program.name] = _Child(program)
        self.tend()

    def await_ready(self, name: str) -> None:
        """Returns when a launched program is ready; raises SetupError with the end of its log when it fails."""
        try:
            self._tend_until_ready(self._children[name])
        except SetupError:
            del self._children[name]
            raise

    def reload(self, name: str) -> None:
        """Has a program read its configuration again and returns when it is ready with it; raises SetupError."""
        child = self._children[name]
        child.reload()
        self._tend_until_ready(child)

    def hold(self, name: str) -> None:
        """Stops one program and keeps it stopped until `let_go`; it keeps its place in the order."""
        self._children[name].hold()

    def let_go(self, name: str) -> None:
        """Has a program that was held started again, at the next look."""
        self._children[name].is_held = False

    def tend(self) -> None:
        """Looks once at every program and restarts what has ended, each after its delay; does not wait."""
        now = now_ms()
        for child in self._children.values():
            child.tend(now)

    def wait(self, duration_ms: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Tends for `duration_ms`, or until the condition holds; whether it held."""
        deadline = now_ms() + duration_ms
        while True:
            self.tend()
            if until():
                return True
            if now_ms() >= deadline:
                return False
            time.sleep(_STEP_SECONDS)

    def report(self) -> dict[str, ChildReport]:
        """Every program by its name, in starting order."""
        return {name: child.report() for name, child in self._children.items()}

    def stop(self, name: str | None = None) -> None:
        """Stops one program, or all in reverse order; each gets its stop signals before SIGKILL."""
        for stopped in [name] if name is not None else list(reversed(self._children)):
            child = self._children.pop(stopped)
            if child.process is not None:
                child.process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _tend_until_ready(self, child: _Child) -> None:
        program = child.program
        restarts = child.restarts
        if self.wait(program.start_ms, lambda: child.is_ready or child.is_finished or child.restarts > restarts):
            if child.restarts == restarts:
                return
            problem = child.last_problem
        else:
            problem = _late(program)
        if child.process is not None:
            child.process.stop()
        raise SetupError(f"{program.name} {problem}; the end of its log {program.log}:\n{program.log_tail()}")


def restart_delay_ms(failures: int) -> int:
    """The time before the next start after so many failures in a row: doubled each time, up to `MAX_DELAY_MS`."""
    return min(MAX_DELAY_MS, FIRST_DELAY_MS << min(failures, 10))


def _late(program: Program) -> str:
    return f"is not ready after {program.start_ms} ms"


class _Child:
    """A program over its restarts."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: Process | None = None
        self.is_ready = False
        self.is_finished = False
        self.is_held = False
        self.restarts = 0
        self.last_problem = "was not started"
        self._failures = 0
        self._since_ms = self._due_ms = now_ms()

    def report(self) -> ChildReport:
        pid = self.process.pid if self.process is not None else None
        return ChildReport(pid, self.is_ready, self.restarts, self.is_finished)

    def reload(self) -> None:
        if self.program.reload_signal is None:
            raise ValueError(f"{self.program.name} cannot reload its configuration")
        self.is_ready, self._since_ms = False, now_ms()
        if self.process is not None:  # one that is down reads it when it starts
            self.process.send(self.program.reload_signal)

    def hold(self) -> None:
        self.is_held, self.is_ready = True, False
        if self.process is not None:
            self.process.stop()
            self.process = None

    def tend(self, now: int) -> None:
        if self.is_finished or self.is_held:
            return
        if self.process is None:
            if now >= self._due_ms and self.program.may_start():
                self.process, self._since_ms = Process(self.program), now
        elif (status := self.process.exit_status()) is not None:
            self._ended(status, now)
        elif not self.is_ready:
            self.is_ready = self.program.is_ready()
            if not self.is_ready and now - self._since_ms > self.program.start_ms:
                self._ended(self.process.stop(), now, _late(self.program))

    def _ended(self, status: int, now: int, problem: str | None = None) -> None:
        was_healthy = self.is_ready and now - self._since_ms > HEALTHY_MS
        self.process, self.is_ready = None, False
        end = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        self.last_problem = problem or f"ended at once ({end})"
        if self.program.is_finite and status == 0:
            self.is_finished = True
            return
        self._failures = 0 if was_healthy else self._failures + 1
        self._due_ms = now + restart_delay_ms(self._failures)
        self.restarts += 1
