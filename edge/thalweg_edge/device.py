"""One simulated device over its starts: feeds it activities, follows its reports, starts it again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg_edge.activities import Activity, ActivitySource
from thalweg_edge.device_folder import DeviceFolder
from thalweg_edge.device_process import DeviceProcess
from thalweg_edge.recorded_totals import Total, add

_FIRST_DELAY_MS: Final = 200
_MAX_DELAY_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Pace:
    """When activities are handed over."""

    #: seconds of the activities' time in one second of ours; None = as fast as the device takes them
    speed: int | None
    #: activities until then are history, handed over at once; Unix time in ms
    live_from_ms: int
    #: activities after the history in one start; None = all that there are
    live_activities: int | None = None


@dataclass(slots=True)
class DeviceReport:
    """How one device is doing; the second half is what its firmware reports of its present start."""

    device: str
    #: running, done (all activities recorded and receipted) or failed
    state: str = "running"
    #: activities that its source has in all; None when they never end
    activities: int | None = None
    #: activities handed to the present process; what a dead one did not record is handed over again
    handed_over: int = 0
    #: what its ended starts recorded, by kind; None when nobody knows, because a fleet was killed
    kinds: dict[str, Total] | None = field(default_factory=dict)
    #: starts after the first one
    restarts: int = 0
    #: events recorded in earlier starts
    recorded_before: int = 0
    boot: int | None = None
    recorded: int = 0
    receipted: int = 0
    #: files that no receipt covers, of all starts
    outbox: int = 0
    refused: int = 0
    damaged: int = 0
    connected: bool = False
    gateway: bool = False
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return asdict(self)


_REPORTED: Final = (
    "boot", "recorded", "receipted", "outbox", "refused", "damaged", "connected", "gateway", "problem",
)  # fmt: skip


class SimulatedDevice:
    """Runs one device until what it did is delivered, or until it is cancelled."""

    def __init__(self, name: str, folder: DeviceFolder, command: list[str], source: ActivitySource, pace: Pace) -> None:
        self.report = DeviceReport(name, activities=source.count(name))
        #: the running process; None between two starts
        self.process: DeviceProcess | None = None
        self._folder = folder
        self._command = command
        self._source = source
        self._pace = pace
        self._failures = 0

    async def run(self) -> None:
        """Returns when the state is done or failed; a cancellation stops the process."""
        try:
            while not await self._one_start():
                self._failures += 1
                delay_ms = min(_MAX_DELAY_MS, _FIRST_DELAY_MS << min(self._failures, 10))
                await asyncio.sleep(delay_ms / 1000)
                self.report.restarts += 1
        except SetupError as problem:
            self.report.state, self.report.problem = "failed", str(problem)

    async def _one_start(self) -> bool:
        """Starts a process and follows it to its end; whether everything is done."""
        report = self.report
        try:
            with self._folder.claim() as descriptor:
                last_id = self._folder.last_activity(self._source.kinds)
                report.kinds = self._folder.totals(last_id)
                report.recorded_before = self._folder.remember_boot()
                report.recorded = report.receipted = report.handed_over = 0
                process = await DeviceProcess.start(self._command, self._folder.path / "device.log", descriptor)
        except BlockingIOError:
            report.problem = "a process of an earlier start is still there"
            return False
        self.process = process
        feeding = asyncio.create_task(self._feed(process, last_id))
        is_done = False
        try:
            async for name, content in process.reports():
                self._note(name, content)
                is_done = is_done or name == "done"
        finally:
            feeding.cancel()
            status = await process.stop()
            self.process = None
            report.connected = report.gateway = False
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            self._count(last_id)
        if is_done:
            report.state = "done"
        else:
            report.problem = f"its process ended with status {status}; see {self._folder.path / 'device.log'}"
        return is_done

    def _note(self, name: str, content: Any) -> None:
        report = self.report
        if name == "ready":
            self._failures = 0
            report.boot = content["boot"]
        elif name in ("status", "done"):
            for reported in _REPORTED:
                if reported in content:
                    setattr(report, reported, content[reported])
        elif name == "error":
            report.problem = str(content)

    def _count(self, before_id: int | None) -> None:
        """Adds to `report.kinds` what this start recorded behind the activity of that id: the source says it again."""
        last_id = self._folder.last_activity(self._source.kinds)
        if self.report.kinds is not None and last_id != before_id:
            add(self.report.kinds, _through(self._source.activities_after(self.report.device, before_id), last_id))
            self._folder.remember_totals(last_id, self.report.kinds)

    async def _feed(self, process: DeviceProcess, last_id: int | None) -> None:
        live_from_ms, live_activities = self._pace.live_from_ms, self._pace.live_activities
        clock: Callable[[], int] | None = None
        with contextlib.suppress(ConnectionError):  # the process has ended, as its reports will tell
            for activity in self._source.activities_after(self.report.device, last_id):
                if live_activities is not None and activity.at_ms > live_from_ms:
                    if live_activities == 0:
                        break
                    live_activities -= 1
                if clock is None:
                    # a run before this one may have got ahead of the time of day
                    begin_ms = live_from_ms if last_id is None else max(live_from_ms, activity.at_ms)
                    clock = _clock(begin_ms, self._pace.speed or 1)
                await self._wait_for(activity, clock)
                is_told = self._source.keeps_times or activity.at_ms <= live_from_ms
                await process.hand_over(activity, activity.at_ms if is_told else None)
                self.report.handed_over += 1
            await process.finish()

    async def _wait_for(self, activity: Activity, clock: Callable[[], int]) -> None:
        if self._pace.speed is not None:
            while (rest_ms := activity.at_ms - clock()) > 0:
                await asyncio.sleep(-(-rest_ms // self._pace.speed) / 1000)


def _clock(begin_ms: int, speed: int) -> Callable[[], int]:
    """The activities' time in ms: it begins now, and runs `speed` times as fast as ours."""
    started_ns = time.monotonic_ns()
    return lambda: begin_ms + (time.monotonic_ns() - started_ns) * speed // 1_000_000


def _through(activities: Iterator[Activity], last_id: int | None) -> Iterator[Activity]:
    for activity in activities:
        yield activity
        if activity.id == last_id:
            return
