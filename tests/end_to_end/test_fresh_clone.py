"""The README's first command, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from thalweg_app.local_system import free_port
from worlds.demo import open_folder

pytestmark = [pytest.mark.slow, pytest.mark.alone]
COLD_SECONDS = 120
WARM_SECONDS = 10


def test_make_demo_proves_itself_on_a_fresh_clone_and_again_on_what_it_kept(repository: Path) -> None:
    """The limits are the product's promise to newcomers; the network's share of the cold start is in it."""
    with open_folder() as folder:
        clone = folder / "thalweg"
        copy_tree(repository, clone)
        cold = make_demo(clone, COLD_SECONDS)
        warm = make_demo(clone, WARM_SECONDS)
        assert cold["ok"]
        assert warm["ok"]
        assert warm["events_committed"] > cold["events_committed"] > 0
        assert (cold["gaps"], warm["gaps"]) == (0, 0)


def copy_tree(repository: Path, clone: Path) -> None:
    """What git would clone if everything here were committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repository,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (source := repository / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, clone / name)


def make_demo(clone: Path, limit_seconds: int) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", f"ARGS=--check --port {free_port()}"],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return verdict
