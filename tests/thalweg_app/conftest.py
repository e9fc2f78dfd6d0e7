from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worlds.brokers import wait_for


def is_running(pid: int) -> bool:
    """Whether the process lives; one that has ended but was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.fixture(name="wait_for")
def _wait_for() -> Callable[[Callable[[], bool], str], None]:
    return wait_for


@pytest.fixture(name="is_running")
def _is_running() -> Callable[[int], bool]:
    return is_running


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that every account can pass, as PostgreSQL run by root needs it; its path is short."""
    folder = Path(tempfile.mkdtemp(prefix="thalweg-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ports() -> list[int]:
    """Two ports of the loopback interface that nobody uses."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return numbers


@pytest.fixture
def owner() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python programs that own servers; what they still own at the end of the test dies with them."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
