"""`thalweg demo` as its users run it: a process of its own on a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg_app.local_system import free_port
from worlds.brokers import wait_for

LIMIT_SECONDS = 600
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/signin\?token=(\S+)")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that root's PostgreSQL, which runs under an account of its own, can reach."""
    with tempfile.TemporaryDirectory(prefix="thalweg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@dataclass
class Demo:
    """A running demonstration."""

    process: subprocess.Popen[str]
    folder: Path

    def verdict(self) -> dict[str, Any]:
        """What it prints at its end; fails the test with its messages when it does not succeed."""
        out, err = self.process.communicate(timeout=LIMIT_SECONDS)
        assert self.process.returncode == 0, f"{out}\n{err}\n{self._logs()}"
        answer: dict[str, Any] = json.loads(out)
        return answer

    def receipted(self) -> int:
        """Events that devices have a receipt for, as the fleet says now."""
        status = self.folder / "devices" / "fleet.json"
        if not status.exists():
            return 0
        return int(json.loads(status.read_text(encoding="utf-8"))["totals"]["receipted"])

    def kill(self, program: str) -> int:
        """kill -9 of the child whose command line holds `program`; its pid."""
        pid = self._child(program)
        assert pid is not None, f"{program} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_successor(self, program: str, dead: int) -> None:
        """Wait until the supervisor has started the program again."""
        wait_for(lambda: self._child(program) not in (None, dead), f"{program} is started again")

    def wait_for_receipts(self, count: int) -> None:
        """Wait until so many events are receipted."""
        wait_for(
            lambda: self.receipted() >= count or self.process.poll() is not None, f"{count} receipts", LIMIT_SECONDS
        )
        assert self.process.poll() is None, "the demonstration ended before the fault: give it more sessions"

    def _child(self, program: str) -> int | None:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in map(int, children):
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
            except FileNotFoundError:
                continue
            if program in command and state != "Z":
                return child
        return None

    def _logs(self) -> str:
        logs = sorted(self.folder.glob("**/*.log"))
        tails = (log.read_text(errors="replace").splitlines()[-8:] for log in logs)
        return "\n".join(f"--- {log.name}\n" + "\n".join(tail) for log, tail in zip(logs, tails, strict=True))


@contextmanager
def demo_check(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Demo]:
    """Start `thalweg demo --check` on `folder`; ended with the block."""
    command = [sys.executable, "-m", "thalweg_app.main", "demo", "--check", "--speed", "max"]
    command += ["--data", str(folder), "--port", str(free_port()), *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield Demo(process, folder)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


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
    """The address and the token in what it says; waits for them."""
    wait_for(lambda: LINK.search(said.read_text()) is not None, f"a sign-in link in: {said.read_text()}")
    found = LINK.search(said.read_text())
    assert found is not None
    return found[1], found[2]


def get(url: str, token: str) -> Any:
    """The API's JSON answer."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
