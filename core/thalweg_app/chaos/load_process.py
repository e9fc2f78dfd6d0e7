"""The owner's side of the load: starting it, giving it limits, and hearing how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Final, Self

from thalweg.errors import SetupError
from thalweg.wire.keys import DeviceKeys
from thalweg_app.chaos.load import Task
from thalweg_edge.lifeline import tied_to_parent

_READ_BYTES: Final = 1 << 16
_STOP_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the load is: planned messages, those sent, and what came back."""

    planned: int = 0
    sent: int = 0
    #: beside the planned ones
    resent: int = 0
    receipts: int = 0
    forged_receipts: int = 0
    #: the gateway's clock in the latest receipt, Unix time
    receipt_now_ms: int = 0
    #: lives of the store that a device has heard of, at most
    epochs: int = 0
    connected: int = 0
    connections: int = 0
    done: bool = False


class LoadProcess:
    """One run of the load; a context manager that stops it at its end."""

    def __init__(self, task: Task, devices: Sequence[tuple[str, str, DeviceKeys]]) -> None:
        """`devices`: name, broker password, keys."""
        keys = [(name, password, each.uplink.hex(), each.downlink.hex()) for name, password, each in devices]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "thalweg_app.chaos.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=tied_to_parent(),  # noqa: PLW1509 - started from the main thread
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._tell(json.dumps(asdict(task) | {"devices": keys}))
        os.set_blocking(self._output.fileno(), False)
        self._unread = b""
        self._progress = Progress()

    def allow(self, part: float) -> None:
        """Let it send so much of what is planned, 0 to 1; known once it has said how much that is."""
        self._tell(str(round(self.progress().planned * part)))

    def progress(self) -> Progress:
        """The latest it has said; raises SetupError when it has broken off."""
        status = self._process.poll()
        while part := self._output.read(_READ_BYTES):
            self._unread += part
        *lines, self._unread = self._unread.split(b"\n")
        if lines:
            self._progress = Progress(**json.loads(lines[-1]))
        if status:
            raise SetupError("the load broke off; its last words are above")
        return self._progress

    @property
    def has_ended(self) -> bool:
        """Whether it has written the truth and left."""
        return self._process.poll() is not None

    def give_up(self) -> None:
        """Have it write what it knows by now, and leave."""
        self._input.close()
        self._process.wait(_STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._input.close()
        self._output.close()

    def _tell(self, line: str) -> None:
        try:
            self._input.write(line.encode() + b"\n")
            self._input.flush()
        except BrokenPipeError:  # it has ended; progress() says how
            return
