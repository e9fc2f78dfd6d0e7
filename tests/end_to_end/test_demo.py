"""The demonstration as somebody watches it: it goes on until it is told to stop, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from worlds.brokers import wait_for
from worlds.demo import get, link_in, open_folder, watched

pytestmark = pytest.mark.slow


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


def test_a_folder_of_one_example_is_not_taken_for_another_and_the_message_says_what_to_do() -> None:
    with open_folder() as folder:
        with watched(folder, "--seconds", "1") as (process, _):
            assert process.wait(120) == 0
        with watched(folder, "--example", "scooters") as (second, words):
            assert second.wait(60) == 2
            said = words.read_text()
            assert "holds the example ev-charging: start it with --example ev-charging" in said
            assert f"--data {folder / 'scooters'}" in said
