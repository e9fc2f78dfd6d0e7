from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from thalweg.errors import SetupError
from thalweg_app.folder_claim import FolderClaim, processes_in


def test_a_folder_has_one_owner_in_a_process(tmp_path: Path) -> None:
    claim = FolderClaim(tmp_path / "state")
    with pytest.raises(SetupError, match="this process already uses the folder"):
        FolderClaim(tmp_path / "state")
    claim.release()
    FolderClaim(tmp_path / "state").release()


def test_a_second_process_is_told_who_owns_the_folder_until_that_one_dies(
    owner: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = owner(f"""
import pathlib, time
from thalweg_app.folder_claim import FolderClaim
claim = FolderClaim(pathlib.Path({str(tmp_path)!r}))
print("claimed", flush=True)
time.sleep(600)
""")
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    with pytest.raises(SetupError, match=f"in use by process {process.pid}: stop that one first"):
        FolderClaim(tmp_path)
    process.kill()
    process.wait()
    FolderClaim(tmp_path).release()


def test_only_processes_of_that_program_in_that_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with (
        subprocess.Popen(["sleep", "600"], cwd=tmp_path) as here,
        subprocess.Popen(["sleep", "600"], cwd=tmp_path / "other") as elsewhere,
        subprocess.Popen(["cat"], cwd=tmp_path, stdin=subprocess.PIPE) as another_program,
    ):
        try:
            assert processes_in(tmp_path.resolve(), "sleep") == [here.pid]
        finally:
            for process in (here, elsewhere, another_program):
                process.kill()
