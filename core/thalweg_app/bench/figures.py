"""What a benchmark says: figures with their bars and yardsticks, as one JSON list or as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What something simpler reaches in the same run on the same machine."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    unit: str
    #: what it has to reach; None: it is told and not judged
    bar: float | None
    better: Literal["higher", "lower"]
    yardstick: Yardstick | None = None

    @property
    def ok(self) -> bool:
        """Whether it reaches its bar."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar

    def as_json(self, machine: str) -> dict[str, Any]:
        """The form that every benchmark has in common."""
        return {**asdict(self), "ok": self.ok, "machine": machine}


def machine() -> str:
    """Processor, number of cores that this process may use, memory, system and Python."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"{_processor()}, {_cores()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def as_table(figures: Sequence[Figure]) -> str:
    """The figures for people, one a line."""
    lines = []
    for figure in figures:
        sign = "≥" if figure.better == "higher" else "≤"
        bar = "" if figure.bar is None else f"{sign} {figure.bar:,.6g}"
        verdict = "" if figure.bar is None else "ok" if figure.ok else "short"
        beside = f"{figure.yardstick.name}: {figure.yardstick.value:,.6g}" if figure.yardstick else ""
        lines.append(f"{figure.name:<58} {figure.value:>12,.6g} {figure.unit:<12} {bar:<12} {verdict:<6} {beside}")
    return "\n".join(line.rstrip() for line in lines)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
