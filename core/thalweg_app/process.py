"""One program that the single-machine system runs, and one running process of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from thalweg_edge.lifeline import tied_to_parent

#: a log that has grown beyond this is set aside (as `.1`) when its program is started again
MAX_LOG_BYTES: Final = 16 << 20
_TAIL_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the operating system under which a program runs."""

    name: str
    uid: int
    gid: int


def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, how to see that it works, and how to stop it."""

    name: str
    command: tuple[str, ...]
    #: standard output and error are appended here
    log: Path
    #: the whole environment; None = that of this process
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    #: working directory; None = that of this process
    folder: Path | None = None
    #: None = that of this process; another one needs root
    account: Account | None = None
    #: whether what an earlier run left behind is gone; called before each start, never waits
    may_start: Callable[[], bool] = _at_once
    #: whether it serves; called until it says yes
    is_ready: Callable[[], bool] = _at_once
    #: a start that is not ready by then has failed
    start_ms: int = 60_000
    #: sent one after the other, each with `stop_ms` to take effect, before SIGKILL
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    stop_ms: int = 10_000
    #: what the kernel sends when this process dies without stopping its children (Linux)
    orphan_signal: signal.Signals = signal.SIGTERM
    #: makes the program read its configuration again; None = it cannot
    reload_signal: signal.Signals | None = None
    #: exit status 0 means that its work is done; it is not started again
    is_finite: bool = False

    def log_tail(self) -> str:
        """The last lines of the log, for error messages; empty without a log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-12:])
        except FileNotFoundError:
            return ""


class Process:
    """A program that has been started, in a session of its own: a terminal's Ctrl-C reaches only its owner."""

    def __init__(self, program: Program) -> None:
        self.program = program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        if program.log.exists() and program.log.stat().st_size > MAX_LOG_BYTES:
            program.log.replace(program.log.with_name(program.log.name + ".1"))
        account = program.account
        with program.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - the programs are the product's own
                program.command,
                env=program.environment,
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=tied_to_parent(program.orphan_signal),  # noqa: PLW1509 - started from the main thread
            )
        self.pid: Final = self._popen.pid

    def exit_status(self) -> int | None:
        """None while it runs; a negative number names the signal that ended it."""
        return self._popen.poll()

    def send(self, which: signal.Signals) -> None:
        """Sends a signal; nothing happens when the process has ended."""
        self._popen.send_signal(which)

    def stop(self) -> int:
        """Stops it by its signals, at last by SIGKILL, and waits for its end; its exit status."""
        for which in self.program.stop_signals:
            self.send(which)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._popen.wait(self.program.stop_ms / 1000)
        self._popen.kill()
        return self._popen.wait()


def now_ms() -> int:
    """A clock for durations: milliseconds that never jump."""
    return time.monotonic_ns() // 1_000_000
