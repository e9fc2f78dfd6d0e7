"""A fleet of simulated devices in one process tree: ``python -m thalweg_edge.fleet CONFIG.json``.

It writes `fleet.json` into the fleet's folder, always replaced in one step: each device as in `DeviceReport`, and
totals. It ends with status 0 when all activities are recorded and receipted, 1 when a device failed or the
configuration is wrong. It stops its devices when it is asked to end (SIGTERM, SIGINT) and when its parent ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg_edge.activities import ActivitySource
from thalweg_edge.device import Pace, SimulatedDevice
from thalweg_edge.device_folder import DeviceFolder, replace_file
from thalweg_edge.firmware_home import find_firmware
from thalweg_edge.fleet_config import FleetConfig, FleetDevice, Generated, read_config
from thalweg_edge.generators.days import DAY_MS, GeneratedActivities
from thalweg_edge.recorded_totals import sum_of
from thalweg_edge.session_file import read_sessions

STATUS_FILE: Final = "fleet.json"
_STATUS_SECONDS: Final = 0.5
_TOTALS: Final = ("handed_over", "restarts", "recorded_before", "recorded", "receipted", "outbox", "refused")


class Fleet:
    """The devices of one configuration; raises SetupError when something that they need is missing."""

    def __init__(self, config: FleetConfig, now_ms: int) -> None:
        """`now_ms` (Unix time) divides generated activities into history and live ones."""
        firmware = find_firmware(config.micropython, config.firmware)
        source, pace = _source(config, now_ms)
        self._status_path = config.folder / STATUS_FILE
        self.devices: list[SimulatedDevice] = []
        for one in config.devices:
            folder = DeviceFolder(config.folder / one.device, one.uplink_key)
            folder.configure(_device_json(config, one), source.kinds)
            self.devices.append(SimulatedDevice(one.device, folder, firmware.command(folder.path), source, pace))

    async def run(self) -> bool:
        """Runs all devices to their end; whether all are done. A cancellation stops them."""
        reporting = asyncio.create_task(self._keep_reporting())
        try:
            async with asyncio.TaskGroup() as group:
                for device in self.devices:
                    group.create_task(device.run(), name=device.report.device)
        finally:
            reporting.cancel()
            self._write_status()
        return self.state() == "done"

    def state(self) -> str:
        """Running while any device is; then done, or failed when a device is."""
        states = {device.report.state for device in self.devices}
        return next(state for state in ("running", "failed", "done") if state in states)

    def status(self) -> dict[str, Any]:
        """What `fleet.json` says; `activities` is None when they never end, `kinds` when nobody knows."""
        reports = [device.report for device in self.devices]
        totals: dict[str, Any] = {name: sum(getattr(report, name) for report in reports) for name in _TOTALS}
        counts = [report.activities for report in reports if report.activities is not None]
        totals["activities"] = sum(counts) if len(counts) == len(reports) else None
        known = [report.kinds for report in reports if report.kinds is not None]
        is_known = len(known) == len(reports)
        totals["kinds"] = {kind: asdict(total) for kind, total in sum_of(known).items()} if is_known else None
        totals["devices"] = len(reports)
        totals["connected"] = sum(report.connected for report in reports)
        return {"state": self.state(), "totals": totals, "devices": [report.as_json() for report in reports]}

    async def _keep_reporting(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(_STATUS_SECONDS)

    def _write_status(self) -> None:
        replace_file(self._status_path, json.dumps(self.status(), indent=1) + "\n")


async def run_until_told(fleet: Fleet) -> bool:
    """Runs the fleet until its end, SIGTERM, SIGINT, or the end of the parent process; whether all devices are done."""
    running = asyncio.ensure_future(fleet.run())
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, running.cancel)
    watching = asyncio.create_task(_cancel_when_orphaned(running))
    try:
        return await running
    except asyncio.CancelledError:
        return False
    finally:
        watching.cancel()


def main(arguments: list[str]) -> int:
    """Runs the fleet of the configuration that the command line names; the exit status."""
    if len(arguments) != 1:
        print("usage: python -m thalweg_edge.fleet CONFIG.json", file=sys.stderr)
        return 2
    try:
        fleet = Fleet(read_config(Path(arguments[0])), time.time_ns() // 1_000_000)
        is_done = asyncio.run(run_until_told(fleet))
    except SetupError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0 if is_done else 1


def _source(config: FleetConfig, now_ms: int) -> tuple[ActivitySource, Pace]:
    """The activities, and when they are handed over."""
    wanted = config.activities
    if isinstance(wanted, Generated):
        last_ms = now_ms if config.speed is None and wanted.live is None else None
        first_ms = now_ms - wanted.history_days * DAY_MS
        source = GeneratedActivities(wanted.generator, wanted.seed, first_ms, last_ms)
        return source, Pace(config.speed, now_ms, wanted.live)
    recorded = read_sessions(wanted.file, wanted.columns)
    missing = sorted(set(recorded.by_device) - {one.device for one in config.devices})
    if missing:
        raise SetupError(f"{wanted.file} has sessions of stations that are no devices here: {', '.join(missing)}")
    first_ms = min((of_one[0].end_ms for of_one in recorded.by_device.values()), default=now_ms)
    return recorded, Pace(config.speed, first_ms)


def _device_json(config: FleetConfig, device: FleetDevice) -> dict[str, Any]:
    return {
        "ecosystem": config.ecosystem,
        "device": device.device,
        "key_version": device.key_version,
        "uplink_key": device.uplink_key.hex(),
        "downlink_key": device.downlink_key.hex(),
        "mqtt": {"host": config.host, "port": config.port, "user": device.device, "password": device.password},
        "seal_online_seconds": config.seal_online_seconds,
        "outbox_max_files": config.outbox_max_files,
    }


async def _cancel_when_orphaned(running: asyncio.Future[bool]) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(_STATUS_SECONDS)
    running.cancel()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
