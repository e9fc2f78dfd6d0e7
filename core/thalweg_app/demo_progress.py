"""What the demonstration says while it works: on standard error, one line that changes where a terminal allows it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.status import Status

_QUIET_SECONDS: Final = 10


class Progress:
    """Stages with their time, then a line that is kept up to date."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._said_at = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One step of the start."""
        started = time.monotonic()
        with self._console.status(f"{name} …"):
            yield
        self._console.print(f"  [green]✓[/green] {name:<10} {time.monotonic() - started:.1f} s")

    def fail(self, name: str, why: str) -> None:
        """A step that did not succeed."""
        self._console.print(f"  [red]✗[/red] {name}")
        self._console.print(why, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line that stays; never wrapped, so that links can be opened."""
        self._console.print(text, markup=False, soft_wrap=True)

    def now(self, line: str) -> None:
        """What is the case now; replaces the line before it, or appears every ten seconds where nothing can."""
        if self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status(line)
                self._status.start()
            self._status.update(line)
        elif time.monotonic() - self._said_at > _QUIET_SECONDS:
            self._said_at = time.monotonic()
            self._console.print(f"  {line}", markup=False, soft_wrap=True)

    def end(self) -> None:
        """Leave the last line as it is."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    @staticmethod
    def line(accounting: Mapping[str, Any], restarts: Mapping[str, int]) -> str:
        """The accounting in a line."""
        parts = [
            f"{accounting['committed']:,} events committed",
            f"{accounting['gaps']} missing",
            f"paid by final payers {accounting['gross']} {accounting['currency']}",
        ]
        parts += [f"{name} restarted {count} times" for name, count in restarts.items()]
        return " · ".join(parts)
