"""The demonstration as somebody watches it: it goes on until it is told to stop, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from thalweg_app.local_system import free_port
from worlds.brokers import wait_for
from worlds.demo import open_folder

pytestmark = pytest.mark.slow
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/signin\?token=(\S+)")


@contextmanager
def watched(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A demonstration, and the file that holds what it says."""
    said = folder / "said.txt"
    command = [sys.executable, "-m", "thalweg_app.main", "demo", "--data", str(folder / "data"), "--devices", "2"]
    with said.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--port", str(free_port()), *options], stderr=file, stdout=file, stdin=subprocess.DEVNULL
        )
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def link_in(said: Path) -> tuple[str, str]:
    wait_for(lambda: LINK.search(said.read_text()) is not None, f"a sign-in link in: {said.read_text()}")
    found = LINK.search(said.read_text())
    assert found is not None
    return found[1], found[2]


def get(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def processes_using(folder: Path) -> list[str]:
    """Command lines of running processes that name the folder, or stand in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(folder) in command or (entry / "cwd").readlink().is_relative_to(folder):
                    found.append(command)
            except OSError:
                continue
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_of_it_is_left_running(how: signal.Signals) -> None:
    with open_folder() as folder, watched(folder) as (process, said):
        url, token = link_in(said)
        accounting = f"{url}/api/v1/ecosystems/ev-charging/accounting"
        wait_for(lambda: get(accounting, token)["committed"] > 0, "events of the history")
        process.send_signal(how)
        status = process.wait(60)
        assert status == (-signal.SIGKILL if how is signal.SIGKILL else 0)
        wait_for(lambda: processes_using(folder / "data") == [], f"left: {processes_using(folder / 'data')}")
        if how is signal.SIGINT:
            assert "Stopped. The next start goes on with the same data." in said.read_text()


def test_a_second_start_keeps_the_data_and_its_old_link_still_opens() -> None:
    with open_folder() as folder:
        with watched(folder) as (process, said):
            url, token = link_in(said)
            first = f"{url}/api/v1/ecosystems/ev-charging/accounting"
            wait_for(lambda: get(first, token)["gaps"] == 0 < get(first, token)["committed"], "committed events")
            process.send_signal(signal.SIGINT)
            process.wait(60)
        with watched(folder) as (process, said):
            url, _ = link_in(said)
            second = get(f"{url}/api/v1/ecosystems/ev-charging/accounting", token)
            assert second["committed"] > 0


def test_it_stops_by_itself_after_the_seconds_it_was_given() -> None:
    with open_folder() as folder, watched(folder, "--seconds", "1") as (process, _):
        assert process.wait(120) == 0
        wait_for(lambda: processes_using(folder / "data") == [], "everything has ended")


def test_two_demonstrations_do_not_share_a_folder() -> None:
    with open_folder() as folder, watched(folder) as (_, said):
        link_in(said)
        with open_folder() as other, watched(other, "--data", str(folder / "data")) as (second, words):
            assert second.wait(60) == 1
            assert "is in use by process" in words.read_text()
