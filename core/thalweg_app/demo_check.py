"""`thalweg demo --check`: proof that events recorded by devices have become participants' money, or what failed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg_app.demo_examples import Example, Kinds
from thalweg_app.demo_progress import Progress
from thalweg_app.local_system import LocalSystem
from thalweg_edge.session_file import RecordedSessions

#: give up when nothing has moved for so long
STALLED_SECONDS: Final = 90
_POLL_MS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome; `stage` and `detail` say what failed when it is not ok."""

    ok: bool
    stage: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The verdict as one object."""
        head = {"ok": self.ok} if self.ok else {"ok": False, "stage": self.stage, "detail": self.detail}
        return {**head, **self.facts}


class DemoCheck:
    """Follows the devices until everything that they recorded is committed, then compares.

    Made before the devices start, so that it knows what was there before. What meters show and exchanges charge is
    computed a second time, from what devices did and the example's prices.
    """

    def __init__(self, system: LocalSystem, token: str, progress: Progress, started: float, example: Example) -> None:
        """`started` is when the demonstration began, on the monotonic clock."""
        self._system = system
        self._token = token
        self._progress = progress
        self._started = started
        self._example = example
        self._committed_before = self._accounting()["committed"]
        self._first_seconds: float | None = None

    def run(self, status_file: Path, recorded: RecordedSessions | None) -> Verdict:
        """Wait until the devices, whose state `status_file` tells, are done; and judge."""
        moved_at, last = time.monotonic(), None
        fleet, accounting = self._state(status_file)
        while True:
            self._system.supervisor.wait(_POLL_MS)
            with suppress(SetupError):  # a part of the system is away; the supervisor brings it back, or time runs out
                fleet, accounting = self._state(status_file)
                if self._first_seconds is None and accounting["committed"] > self._committed_before:
                    self._first_seconds = time.monotonic() - self._started
                if fleet["state"] == "done":
                    return self._judge(fleet, accounting, recorded)
            self._progress.now(self._progress.line(accounting, {}))
            now = (fleet["totals"]["handed_over"], fleet["totals"]["receipted"], accounting["committed"])
            if now != last:
                moved_at, last = time.monotonic(), now
            if fleet["state"] == "failed" or time.monotonic() - moved_at > STALLED_SECONDS:
                return Verdict(
                    ok=False, facts=self._facts(fleet, accounting, recorded), **_stalled_at(fleet, accounting)
                )

    def _state(self, status_file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """How the devices are doing, and then what is committed: no event is receipted before its commit."""
        fleet = json.loads(status_file.read_text(encoding="utf-8"))
        return fleet, self._accounting()

    def _judge(self, fleet: dict[str, Any], accounting: dict[str, Any], recorded: RecordedSessions | None) -> Verdict:
        facts = self._facts(fleet, accounting, recorded)
        shared = sum(map(Decimal, accounting["shares"].values()), Decimal(0))
        fates = sum(accounting[name] for name in ("mapped", "unmapped", "parked", "rejected", "undecodable"))
        demands = (
            ("commit", self._first_seconds is not None, "no event was committed"),
            ("commit", accounting["gaps"] == 0, "events that devices numbered are missing"),
            (
                "commit",
                facts["events_recorded"] == accounting["committed"],
                "devices recorded another number of events",
            ),
            ("map", fates == accounting["committed"], "not every committed event is accounted for"),
            ("money", Decimal(accounting["gross"]) > 0, "no money follows from the events"),
            ("money", shared == Decimal(accounting["gross"]), "the shares do not sum to the gross"),
        )
        for stage, holds, problem in (*demands, *self._expected(fleet["totals"]["kinds"], accounting)):
            if not holds:
                return Verdict(ok=False, stage=stage, detail=problem, facts=facts)
        return Verdict(ok=True, facts=facts)

    def _expected(self, kinds: Kinds | None, accounting: dict[str, Any]) -> list[tuple[str, bool, str]]:
        """What follows from what devices did; nothing when that is not known."""
        if kinds is None:
            return []
        events = sum(total["events"] for total in kinds.values())
        quantities, charges = self._example.quantities(kinds), self._example.charges(kinds)
        charged = self._charged(charges)
        problem = "by the shipped design, what devices did makes"
        return [
            ("commit", events == accounting["committed"], f"{problem} {events} events"),
            ("map", quantities == accounting["quantities"], f"{problem} the quantities {quantities}"),
            *(
                ("money", charged[each] == charges[each], f"{problem} {each} {charges[each]}, not {charged[each]}")
                for each in charges
            ),
        ]

    def _charged(self, exchanges: Iterable[str]) -> dict[str, Decimal]:
        """What the exchanges charged since the beginning, by the API."""
        flows = self._get("overview?window=all")["flows"]
        return {
            each: sum((Decimal(flow["worth"]) for flow in flows if flow["exchange"] == each), Decimal(0))
            for each in exchanges
        }

    def _facts(
        self, fleet: dict[str, Any], accounting: dict[str, Any], recorded: RecordedSessions | None
    ) -> dict[str, Any]:
        totals = fleet["totals"]
        restarts = {name: report.restarts for name, report in self._system.supervisor.report().items()}
        facts = {
            "events_recorded": totals["recorded_before"] + totals["recorded"],
            "events_committed": accounting["committed"],
            "seconds_to_first_committed_event": _rounded(self._first_seconds),
            "seconds": _rounded(time.monotonic() - self._started),
            "restarts": restarts | {self._example.devices: totals["restarts"]},
            "compared_with_devices": totals["kinds"] is not None,
        }
        facts |= {name: accounting[name] for name in _TAKEN_OVER}
        if recorded is not None:
            facts["file"] = {
                "rows": recorded.rows,
                "sessions": totals["activities"],
                "rejected": len(recorded.rejected),
                "repaired": recorded.repaired,
                "energy_wh": recorded.energy_wh(),
            }
        return facts

    def _accounting(self) -> dict[str, Any]:
        return self._get("accounting")

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._system.get(f"/api/v1/ecosystems/{self._system.ecosystem}/{path}", self._token)
        return answer


_TAKEN_OVER: Final = (
    "gaps", "duplicates", "conflicts", "mapped", "unmapped", "parked", "rejected", "undecodable", "quantities",
    "currency", "gross", "shares",
)  # fmt: skip


def _stalled_at(fleet: dict[str, Any], accounting: dict[str, Any]) -> dict[str, str]:
    """Which stage the events did not get past."""
    totals = fleet["totals"]
    problems = [f"{each['device']}: {each['problem']}" for each in fleet["devices"] if each["problem"]]
    if fleet["state"] == "failed":
        stage, what = "devices", "a device failed"
    elif totals["connected"] < totals["devices"]:
        stage, what = "broker", f"only {totals['connected']} of {totals['devices']} devices are connected"
    elif accounting["committed"] == 0:
        stage, what = "gateway", "no event was committed; see gateway.log"
    else:
        stage, what = "receipts", f"{totals['outbox']} batches wait for their receipts; see gateway.log"
    return {"stage": stage, "detail": "; ".join([what, *problems[:3]])}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
