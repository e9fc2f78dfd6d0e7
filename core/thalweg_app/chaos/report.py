"""What a run says: one JSON object, and two tables for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from thalweg_app.bench.memory import MAX_GATEWAY_RSS_BYTES

_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One step of the plan, as it went."""

    kind: str
    what: str
    #: since the load began
    at_seconds: float
    lasted_seconds: float
    #: from the end of the fault to the first receipt of what came after it, with every program serving;
    #: None where there is nothing to recover from, or it did not recover in time
    recovered_seconds: float | None
    is_fault: bool = True

    @property
    def ok(self) -> bool:
        """Whether the system came back."""
        return not self.is_fault or self.recovered_seconds is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One comparison."""

    name: str
    ok: bool
    #: what was asked for, and what there was
    expected: Any
    found: Any
    #: a few of the differences, when there are some
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The gateway's resident memory."""

    lives: int
    peak_bytes: int
    #: while the database was away, full or locked; 0 without such a fault
    peak_bytes_away: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run."""

    seed: int
    machine: str
    seconds: float
    #: counts: events, batches, messages, receipts, …
    load: dict[str, int]
    faults: tuple[Happened, ...]
    #: faults that were asked for and could not be done here, with the reason
    not_run: dict[str, str]
    restarts: dict[str, int]
    memory: Memory
    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds and the system came back each time."""
        return all(each.ok for each in self.verdicts) and all(each.ok for each in self.faults)

    def as_json(self) -> dict[str, Any]:
        """The report as one object; `docs/operate.md` explains it."""
        memory = {
            "lives": self.memory.lives,
            "peak_mb": round(self.memory.peak_bytes / _MB, 1),
            "peak_mb_database_away": round(self.memory.peak_bytes_away / _MB, 1),
            "bar_mb": MAX_GATEWAY_RSS_BYTES // _MB,
        }
        faults = [asdict(each) | {"ok": each.ok} for each in self.faults]
        return {"ok": self.ok} | asdict(self) | {"faults": faults, "memory": memory}


def memory_verdict(memory: Memory) -> Verdict:
    """Whether the gateway kept to its memory in all of its lives."""
    bar = MAX_GATEWAY_RSS_BYTES // _MB
    return Verdict(
        name="memory of the gateway, MB at most",
        ok=0 < memory.peak_bytes <= MAX_GATEWAY_RSS_BYTES,
        expected=bar,
        found=round(memory.peak_bytes / _MB, 1),
    )


def show(report: Report, console: Console) -> None:
    """Print it for people."""
    faults = Table(title=f"What happened (seed {report.seed})")
    for name in ("at", "what", "lasted", "recovered after"):
        faults.add_column(name, justify="left" if name == "what" else "right")
    for each in report.faults:
        recovered = "" if not each.is_fault else "never" if not each.ok else f"{each.recovered_seconds:.1f} s"
        faults.add_row(f"{each.at_seconds:.1f} s", each.what, f"{each.lasted_seconds:.1f} s", recovered)
    for kind, why in report.not_run.items():
        faults.add_row("", f"{kind}: not run: {why}", "", "")
    verdicts = Table(title="What must hold")
    for name in ("", "expected", "found", ""):
        verdicts.add_column(name, justify="right" if name in ("expected", "found") else "left")
    for verdict in report.verdicts:
        verdicts.add_row(verdict.name, _words(verdict.expected), _words(verdict.found), "ok" if verdict.ok else "WRONG")
        for difference in verdict.differences:
            verdicts.add_row(f"  {difference}", "", "", "")
    console.print(faults, verdicts)
    counts = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in report.load.items())
    console.print(f"{counts}\n{report.seconds:.0f} s on {report.machine}")


def _words(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
