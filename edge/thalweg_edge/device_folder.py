"""The folder of one simulated device: its configuration, its outbox, and what earlier starts recorded.

It answers one question exactly: which session was recorded last? The charge point records its sessions in the order
in which it gets them, each with its id, and has stored the batch before anybody else sees it; the outbox never frees
its newest file. So the newest whole batch names the last session recorded, and every later one may be handed over
(again) without being counted twice, whatever was killed in between: device, fleet, or both.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from thalweg.errors import BadSignature, SetupError, WireError
from thalweg.wire import batch

SESSION_KIND: Final = "charging.session"
_SESSION_ATTRIBUTE: Final = "session"


class DeviceFolder:
    """One device's folder, made when there is none."""

    def __init__(self, path: Path, uplink_key: bytes) -> None:
        self.path = path
        self._key = uplink_key
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def configure(self, configuration: dict[str, Any]) -> None:
        """Writes `device.json`, readable by its owner only."""
        replace_file(self.path / "device.json", json.dumps(configuration, indent=1) + "\n")

    @contextmanager
    def claim(self) -> Iterator[int]:
        """The sole right to start the device, as a file descriptor for the child to inherit.

        The child keeps the right until it ends, even when this process is long gone. Raises BlockingIOError while
        a device process is still there.
        """
        descriptor = os.open(self.path / "process.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield descriptor
        finally:
            os.close(descriptor)

    def last_session(self) -> int | None:
        """The id of the session recorded last, None before the first one; to be asked while no process runs.

        Raises SetupError when the outbox cannot tell: then nothing can be handed over safely.
        """
        newest = self._newest()
        if newest is None:
            return None
        last = newest.events[-1]
        session_id = last.attributes.get(_SESSION_ATTRIBUTE)
        if last.kind != SESSION_KIND or not isinstance(session_id, int):
            raise SetupError(
                f"the last batch in {self.path} ends within a session, so nobody can tell which session comes next: "
                "let the device deliver what it holds, then give it a new folder"
            )
        return session_id

    def remember_boot(self) -> int:
        """Notes how far the latest start got; the events recorded in all starts until now."""
        path = self.path / "boots.json"
        ends: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        newest = self._newest()
        if newest is not None and ends.get(str(newest.header.boot)) != newest.header.end_seq:
            ends[str(newest.header.boot)] = newest.header.end_seq
            replace_file(path, json.dumps(ends) + "\n")
        return sum(ends.values())

    def _newest(self) -> batch.Batch | None:
        """The newest batch in the outbox that a power cut has not torn. Raises SetupError when it has another key."""
        outbox = self.path / "outbox"
        for path in sorted(outbox.iterdir(), reverse=True) if outbox.exists() else []:
            stored = path.read_bytes()
            try:
                decoded = batch.decode(stored)
                batch.verify(stored, self._key)
            except BadSignature:
                raise SetupError(
                    f"{path} was sealed under another key than the device now has: give the device its old key, "
                    "or a new folder"
                ) from None
            except WireError:  # torn while it was written, hence never published
                continue
            return decoded
        return None


def replace_file(path: Path, text: str) -> None:
    """Puts `text` in place of the file in one step; only its owner may read it."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
