"""The folder of one simulated device: its configuration, its outbox, and what earlier starts recorded.

It answers one question exactly: which activity was recorded last? The device records its activities in the order in
which it gets them, each with its id, and has stored the batch before anybody else sees it; the outbox never frees its
newest file. So the newest whole batch names the last activity recorded, and every later one may be handed over (again)
without being counted twice, whatever was killed in between: device, fleet, or both.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thalweg.errors import BadSignature, SetupError, WireError
from thalweg.wire import batch
from thalweg_edge.activities import Kind
from thalweg_edge.recorded_totals import Total


class DeviceFolder:
    """One device's folder, made when there is none."""

    def __init__(self, path: Path, uplink_key: bytes) -> None:
        self.path = path
        self._key = uplink_key
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def configure(self, configuration: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
        """Writes `device.json` and the `kinds.json` of the events that it will send, readable by their owner only."""
        declared = {name: {"unit": kind.unit, "fields": kind.fields} for name, kind in kinds.items()}
        for name, content in (("device.json", configuration), ("kinds.json", declared)):
            replace_file(self.path / name, json.dumps(content, indent=1) + "\n")

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

    def last_activity(self, kinds: Mapping[str, Kind]) -> int | None:
        """The id of the activity recorded last, None before the first one; to be asked while no process runs.

        `kinds` say which attribute holds it. Raises SetupError when the outbox cannot tell: then nothing can be handed
        over safely.
        """
        newest = self._newest()
        if newest is None:
            return None
        last = newest.events[-1]
        kind = kinds.get(last.kind)
        activity_id = last.attributes.get(kind.numbered_by) if kind and kind.numbered_by else None
        if not isinstance(activity_id, int):
            raise SetupError(
                f"the last batch in {self.path} ends with {last.kind!r}, within an activity, so nobody can tell which "
                "one comes next: let the device deliver what it holds, then give it a new folder"
            )
        return activity_id

    def totals(self, last_id: int | None) -> dict[str, Total] | None:
        """What all activities up to `last_id`, the one recorded last, amount to by kind; None when nobody knows.

        That is so when a fleet was killed before it could remember.
        """
        path = self.path / "totals.json"
        known = json.loads(path.read_text()) if path.exists() else {"last": None, "kinds": {}}
        if known["last"] != last_id:
            return None
        return {kind: Total(**total) for kind, total in known["kinds"].items()}

    def remember_totals(self, last_id: int | None, kinds: Mapping[str, Total]) -> None:
        """Notes what all activities up to `last_id` amount to by kind."""
        known = {"last": last_id, "kinds": {kind: asdict(total) for kind, total in kinds.items()}}
        replace_file(self.path / "totals.json", json.dumps(known) + "\n")

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
