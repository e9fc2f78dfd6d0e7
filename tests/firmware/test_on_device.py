"""Hands the tests written in MicroPython to pytest, each in a process and a folder of its own."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
SLOW_FILES = {"power_cut"}


def _tests() -> list[object]:
    found = []
    for path in sorted((HERE / "on_device").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = [pytest.mark.slow] if path.stem in SLOW_FILES else []
                found.append(pytest.param(path, node.name, id=f"{path.stem}-{node.name[5:]}", marks=marks))
    return found


@pytest.mark.parametrize(("path", "name"), _tests())
def test_on_micropython(micropython: Path, tmp_path: Path, path: Path, name: str) -> None:
    command = [str(micropython), str(HERE / "on_device" / "run.py"), str(FIRMWARE), path.stem, name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
