"""One MicroPython process that runs a device: JSON lines in and out (`firmware/README.md`)."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from thalweg_edge.activities import Activity
from thalweg_edge.lifeline import tied_to_parent

_BUFFERED_BYTES: Final = 4096
_STOP_SECONDS: Final = 5
_STEP_SECONDS: Final = 0.01


class DeviceProcess:
    """A started process; it does not outlive this one."""

    def __init__(
        self, popen: subprocess.Popen[bytes], writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> None:
        self._popen = popen
        self._writer = writer
        self._reader = reader

    @classmethod
    async def start(cls, command: Sequence[str], log: Path, inherited: int) -> DeviceProcess:
        """Starts it with its error output appended to `log`; it inherits one file descriptor."""
        with log.open("ab") as errors:
            popen = subprocess.Popen(  # noqa: S603 - the product's own firmware
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(inherited,),
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGKILL),  # noqa: PLW1509 - started from the main thread
            )
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), popen.stdout)
        # the second protocol is there for its flow control only
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), popen.stdin
        )
        transport.set_write_buffer_limits(high=_BUFFERED_BYTES)
        return cls(popen, asyncio.StreamWriter(transport, protocol, None, loop), reader)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    async def hand_over(self, activity: Activity, at_ms: int | None) -> None:
        """Has it do the activity at `at_ms`, None = now; waits while the device pushes back.

        Raises ConnectionError when the process has ended.
        """
        await self._write(activity.command(at_ms))

    async def finish(self) -> None:
        """Tells it that nothing follows: it ends when all that it recorded is receipted. Raises ConnectionError."""
        await self._write({"end": True})

    async def reports(self) -> AsyncIterator[tuple[str, Any]]:
        """What it reports, each as (name, content), until it ends; lines that are no reports are passed over."""
        while line := await self._reader.readline():
            try:
                report = json.loads(line)
            except ValueError:
                continue
            if isinstance(report, dict):
                for name, content in report.items():
                    yield name, content

    async def stop(self) -> int:
        """Ends it, as a power cut would, and waits for its end; its exit status."""
        self._writer.close()
        if self._popen.poll() is None:
            self._popen.terminate()
        for _ in range(int(_STOP_SECONDS / _STEP_SECONDS)):
            if (status := self._popen.poll()) is not None:
                return status
            await asyncio.sleep(_STEP_SECONDS)
        self._popen.kill()
        return self._popen.wait()

    async def _write(self, command: dict[str, Any]) -> None:
        self._writer.write(json.dumps(command, separators=(",", ":")).encode() + b"\n")
        await self._writer.drain()
