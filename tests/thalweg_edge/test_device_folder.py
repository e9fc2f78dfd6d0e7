from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from thalweg.errors import SetupError
from thalweg.wire.batch import BatchWriter, Event
from thalweg_edge.charging_sessions import KINDS
from thalweg_edge.device_folder import DeviceFolder
from thalweg_edge.recorded_totals import Total

KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> DeviceFolder:
    (tmp_path / "cp-01" / "outbox").mkdir(parents=True)
    return DeviceFolder(tmp_path / "cp-01", KEY)


def store(folder: DeviceFolder, serial: int, batch: bytes) -> None:
    (folder.path / "outbox" / f"{serial:08x}").write_bytes(batch)


def batches(boot: int, *session_ids: int, key: bytes = KEY) -> list[bytes]:
    writer, sealed = BatchWriter(key, boot), []
    for session_id in session_ids:
        writer.add(Event(1_000, "occupancy", 1, True, {"to": "city", "seconds": 1}))
        writer.add(Event(1_000, "charging.session", 5, attributes={"session": session_id}))
        sealed.append(writer.seal())
    return sealed


def test_before_the_first_start_nothing_was_recorded(tmp_path: Path) -> None:
    folder = DeviceFolder(tmp_path / "new", KEY)
    assert folder.last_activity(KINDS) is None
    assert folder.remember_boot() == 0


def test_the_newest_batch_names_the_activity_recorded_last(folder: DeviceFolder) -> None:
    first, second = batches(7, 30, 20)
    store(folder, 9, first)
    store(folder, 10, second)
    assert folder.last_activity(KINDS) == 20


@pytest.mark.parametrize("size", [0, 1, 40, 100])
def test_a_batch_torn_while_it_was_written_does_not_count(folder: DeviceFolder, size: int) -> None:
    first, second = batches(7, 30, 20)
    store(folder, 1, first)
    store(folder, 2, second[:size])
    assert folder.last_activity(KINDS) == 30


def test_when_the_newest_batch_ends_within_an_activity_nothing_is_guessed(folder: DeviceFolder) -> None:
    writer = BatchWriter(KEY, 7)
    writer.add(Event(1_000, "occupancy", 1, True, {"to": "city", "seconds": 1}))
    store(folder, 1, writer.seal())
    with pytest.raises(SetupError, match="ends with 'occupancy', within an activity"):
        folder.last_activity(KINDS)


def test_a_batch_under_another_key_is_not_taken_for_a_torn_one(folder: DeviceFolder) -> None:
    store(folder, 1, batches(7, 30, key=bytes(32))[0])
    with pytest.raises(SetupError, match="sealed under another key"):
        folder.last_activity(KINDS)


def test_the_events_of_all_starts_are_remembered_when_their_files_are_gone(folder: DeviceFolder) -> None:
    for serial, batch in enumerate(batches(7, 1, 2, 3)):
        store(folder, serial, batch)
    assert folder.remember_boot() == 6
    (folder.path / "outbox" / f"{2:08x}").unlink()
    store(folder, 3, batches(8, 4)[0])
    assert folder.remember_boot() == 8
    assert folder.remember_boot() == 8


def test_the_configuration_is_for_its_owner_only(folder: DeviceFolder) -> None:
    folder.configure({"uplink_key": KEY.hex()}, KINDS)
    assert stat.S_IMODE((folder.path / "device.json").stat().st_mode) == 0o600


def test_what_was_recorded_is_known_up_to_the_activity_that_it_was_remembered_for(folder: DeviceFolder) -> None:
    assert folder.totals(None) == {}
    folder.remember_totals(17, {"charging.session": Total(2, 12_000)})
    assert folder.totals(17) == {"charging.session": Total(2, 12_000)}
    assert folder.totals(18) is None
    assert folder.totals(None) is None


def test_a_device_process_keeps_the_right_to_the_folder_until_it_ends(folder: DeviceFolder) -> None:
    with folder.claim() as descriptor:
        process = subprocess.Popen(["sleep", "600"], pass_fds=(descriptor,))
    with pytest.raises(BlockingIOError), folder.claim():
        pass
    process.kill()
    process.wait()
    with folder.claim():
        pass
