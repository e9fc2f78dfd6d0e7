"""The fleet with a stand-in for the firmware; `test_fleet_with_firmware.py` runs it with the real one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_in import stand_in_firmware

from thalweg.errors import MalformedMessage, SetupError
from thalweg.wire.batch import Batch, decode
from thalweg_edge.fleet import Fleet
from thalweg_edge.fleet_config import read_config
from thalweg_edge.generators import GENERATORS
from thalweg_edge.generators.days import DAY_MS
from thalweg_edge.session_file import ColumnMapping, read_sessions
from worlds.brokers import wait_for

pytestmark = pytest.mark.slow
HEADING = "Station_Name,Start_Date___Time,End_Date___Time,Total_Duration__hh_mm_ss_,Energy__kWh_,ObjectId"
STATIONS = ("alpha", "beta")
LIMIT_SECONDS = 60


def total(events: int, quantity: int) -> dict[str, int]:
    return {"events": events, "quantity": quantity}


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Site:
    """A fleet's folder with its configuration, and the fleets started on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path / "fleet"
        self.firmware = stand_in_firmware(path / "firmware")
        self.started: list[subprocess.Popen[bytes]] = []

    def configure(
        self, activities: dict[str, object], speed: object = "max", devices: tuple[str, ...] = STATIONS
    ) -> Path:
        config = self.path / "config.json"
        body = {
            "ecosystem": "house",
            "folder": "fleet",
            "mqtt": {"host": "127.0.0.1", "port": 1},
            "devices": [
                {"device": name, "uplink_key": "11" * 32, "downlink_key": "22" * 32, "password": name}
                for name in devices
            ],
            "activities": activities,
            "speed": speed,
            "micropython": sys.executable,
            "firmware": str(self.firmware),
        }
        config.write_text(json.dumps(body))
        return config

    def write_sessions(self, count: int) -> dict[str, object]:
        """A file with so many sessions for each station; gives the configuration for it."""
        rows = [
            f"{station},{day} 10:00:00+00,{day} 11:00:00+00,1:00:00,{n}.5,{n * 2 + at}"
            for n, day in ((n, f"2021/01/{1 + n % 28:02}") for n in range(count))
            for at, station in enumerate(STATIONS)
        ]
        (self.path / "sessions.csv").write_text("\n".join([HEADING, *rows]))
        return {"file": "sessions.csv"}

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "thalweg_edge.fleet", str(self.path / "config.json")])
        self.started.append(process)
        return process

    def status(self) -> dict[str, Any]:
        path = self.folder / "fleet.json"
        return dict(json.loads(path.read_text())) if path.exists() else {"totals": {}, "devices": []}

    def pids(self) -> list[int]:
        """The device processes of this site."""
        return [
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if str(self.folder).encode() in _read(entry / "cmdline") and b"device.py" in _read(entry / "cmdline")
        ]

    def batches(self, device: str) -> list[Batch]:
        """What a device stored, over all its starts; a batch that was torn or is being written is none."""
        found = []
        outbox = self.folder / device / "outbox"
        for path in sorted(outbox.iterdir()) if outbox.exists() else []:
            with contextlib.suppress(MalformedMessage):
                found.append(decode(path.read_bytes()))
        return found

    def recorded(self, device: str) -> list[int]:
        """The session ids that a device recorded, over all its starts."""
        return [int(batch.events[-1].attributes["session"]) for batch in self.batches(device)]

    def expected(self, device: str) -> list[int]:
        found = read_sessions(self.path / "sessions.csv", ColumnMapping())
        return [session.id for session in found.by_device[device]]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    for process in site.started:
        process.kill()
        process.wait()
    wait_for(lambda: not site.pids(), "the devices end with their fleet")


def test_every_recorded_session_is_handed_over_once_and_the_fleet_ends_done(site: Site) -> None:
    site.configure(site.write_sessions(50))
    assert site.start().wait(LIMIT_SECONDS) == 0
    for device in STATIONS:
        assert site.recorded(device) == site.expected(device)
    status = site.status()
    assert status["state"] == "done"
    assert status["totals"] == {
        "devices": 2,
        "connected": 0,
        "activities": 100,
        "kinds": {"occupancy": total(100, 100), "charging.session": total(100, 2 * sum(range(500, 50_500, 1_000)))},
        "handed_over": 100,
        "restarts": 0,
        "recorded": 200,
        "recorded_before": 0,
        "receipted": 200,
        "outbox": 0,
        "refused": 0,
    }


def test_a_second_start_on_the_same_folder_records_only_what_is_new(site: Site) -> None:
    site.configure(site.write_sessions(5))
    assert site.start().wait(LIMIT_SECONDS) == 0
    ten_sessions = {"occupancy": total(10, 10), "charging.session": total(10, 25_000)}
    assert site.status()["totals"]["kinds"] == ten_sessions
    assert site.start().wait(LIMIT_SECONDS) == 0
    assert site.recorded("alpha") == site.expected("alpha")
    assert site.status()["totals"]["recorded_before"] == 20
    assert site.status()["totals"]["recorded"] == 0
    assert site.status()["totals"]["kinds"] == ten_sessions


def test_devices_that_are_killed_go_on_with_the_next_session_and_none_is_doubled_or_left_out(site: Site) -> None:
    site.configure(site.write_sessions(3_000))
    fleet = site.start()
    for restarts in (1, 2):
        wait_for(lambda: all(len(site.batches(name)) >= 50 for name in STATIONS), "the devices record")
        for pid in site.pids():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda n=restarts: site.status()["totals"].get("restarts", 0) >= n, "devices are started again")
    assert fleet.wait(LIMIT_SECONDS) == 0
    for device in STATIONS:
        assert site.recorded(device) == site.expected(device)
    totals = site.status()["totals"]
    assert totals["recorded"] + totals["recorded_before"] == 2 * 2 * 3_000
    wh = 2 * sum(n * 1_000 + 500 for n in range(3_000))
    assert totals["kinds"] == {"occupancy": total(6_000, 6_000), "charging.session": total(6_000, wh)}


def test_a_fleet_that_is_killed_takes_its_devices_along_and_the_next_one_goes_on_exactly(site: Site) -> None:
    site.configure(site.write_sessions(3_000))
    first = site.start()
    wait_for(lambda: all(len(site.batches(name)) >= 50 for name in STATIONS), "the devices record")
    first.kill()
    first.wait()
    assert site.start().wait(LIMIT_SECONDS) == 0
    for device in STATIONS:
        assert site.recorded(device) == site.expected(device)
    assert site.status()["totals"]["kinds"] is None, "what a killed fleet had its devices do, nobody knows"


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_fleet_that_is_asked_to_end_stops_its_devices(site: Site, which: signal.Signals) -> None:
    site.configure({"generator": "charging", "seed": 1, "history_days": 5}, speed=60)
    fleet = site.start()
    wait_for(lambda: len(site.pids()) == 2, "the devices run")
    wait_for(lambda: site.status()["totals"].get("connected") == 2, "the devices report")
    fleet.send_signal(which)
    assert fleet.wait(LIMIT_SECONDS) == 1
    assert site.pids() == []
    assert site.status()["state"] == "running"


def test_a_fleet_ends_with_the_process_that_started_it(site: Site) -> None:
    site.configure({"generator": "charging", "seed": 1, "history_days": 5}, speed=60)
    code = (
        "import subprocess, sys, time; "
        "subprocess.Popen([sys.executable, '-m', 'thalweg_edge.fleet', sys.argv[1]]); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(site.path / "config.json")])
    site.started.append(parent)
    wait_for(lambda: len(site.pids()) == 2, "the devices run")
    parent.kill()
    parent.wait()
    wait_for(lambda: not site.pids(), "the devices end")


def test_history_keeps_its_times_and_what_is_live_happens_now(site: Site) -> None:
    site.configure({"generator": "air-quality", "seed": 1, "history_days": 4}, speed=2_000)
    fleet = site.start()
    started_ms = time.time_ns() // 1_000_000

    def lives(device: str) -> list[int]:
        return [int(batch.events[-1].attributes["live"]) for batch in site.batches(device)]

    wait_for(lambda: all(sum(lives(device)) >= 5 for device in STATIONS), "live readings are recorded")
    fleet.terminate()
    fleet.wait()
    for device in STATIONS:
        flags = lives(device)
        assert flags == sorted(flags)  # history first
        assert flags.count(0) > 50
        ends = [batch.events[-1].at_ms for batch in site.batches(device)]
        assert started_ms - 5 * DAY_MS < ends[0] < started_ms - 3 * DAY_MS
        assert all(end >= started_ms - 60_000 for end, is_live in zip(ends, flags, strict=True) if is_live)
        ids = [int(batch.events[-1].attributes["reading"]) for batch in site.batches(device)]
        assert len(set(ids)) == len(ids)
        assert ids[0] // GENERATORS["air-quality"].ids_per_day == started_ms // DAY_MS - 4


def test_recorded_sessions_that_are_paced_keep_their_times(site: Site) -> None:
    site.configure(site.write_sessions(6), speed=1_000_000)
    assert site.start().wait(LIMIT_SECONDS) == 0
    assert site.recorded("alpha") == site.expected("alpha")
    assert all(batch.events[-1].attributes["live"] == 0 for batch in site.batches("alpha"))


def test_a_device_that_cannot_go_on_safely_fails_and_says_so_while_the_others_deliver(site: Site) -> None:
    config = site.configure(site.write_sessions(5))
    assert site.start().wait(LIMIT_SECONDS) == 0
    config.write_text(config.read_text().replace("11" * 32, "33" * 32, 1))
    assert site.start().wait(LIMIT_SECONDS) == 1
    alpha, beta = site.status()["devices"]
    assert (alpha["state"], beta["state"]) == ("failed", "done")
    assert "sealed under another key" in alpha["problem"]


def test_a_station_that_is_no_device_is_refused_before_anything_starts(site: Site) -> None:
    config = site.configure(site.write_sessions(1), devices=("alpha",))
    with pytest.raises(SetupError, match="stations that are no devices here: beta"):
        Fleet(read_config(config), 0)


def test_its_files_are_for_its_owner_only(site: Site) -> None:
    Fleet(read_config(site.configure(site.write_sessions(1))), 0)
    assert stat.S_IMODE((site.folder / "alpha" / "device.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((site.folder / "alpha").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"speed": 0}, "speed is 0: write a whole number from 1"),
        ({"speed": True}, "speed is True"),
        ({"ecosystem": "House"}, "ecosystem is 'House': an id matches"),
        ({"devices": []}, "list at least one"),
        ({"mqtt": {"host": "h"}}, "port is None"),
        ({"activities": {"generator": "scooters", "history_days": 3}}, "seed is None"),
        ({"activities": {"generator": "boats"}}, "generator is 'boats': write one of charging, scooters, air-quality"),
        ({"activities": {"seed": 1}}, "'generator' is missing"),
        ({"activities": {"file": "s.csv", "columns": {"volt": "x"}}}, "volt='x' is no column mapping"),
        ({"micropython": "/nowhere/micropython"}, "THALWEG_MICROPYTHON"),
        ({"firmware": "/nowhere"}, "name the firmware's folder"),
    ],
)
def test_a_wrong_configuration_is_an_error_that_says_what_to_write(
    site: Site, change: dict[str, object], problem: str
) -> None:
    config = site.configure(site.write_sessions(1))
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    with pytest.raises(SetupError, match=problem):
        Fleet(read_config(config), 0)
