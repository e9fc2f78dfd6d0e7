"""The devices of a benchmark, as a process of its own: `python -m thalweg_app.bench.load`.

It reads one JSON task from standard input, makes all its batches, and then publishes them. It remembers every batch
that the broker acknowledged, so that whoever asked can count what was lost. Bounded in messages and in seconds.
"""

from __future__ import annotations

import json
import selectors
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from thalweg.wire.keys import DeviceKeys
from thalweg.wire.topics import Channel, device_topic
from thalweg_app.bench.sessions import (
    FIRST_PACKET,
    PUBACK,
    PUBLISH,
    Connection,
    publish_packet,
    receipt_topic,
    receipted_seq,
)
from thalweg_app.bench.workload import Device, SealedBatch, sealed_batches

#: messages of one session that wait for the broker's acknowledgement, when the load sends all it can
WINDOW: Final = 16
_STEP_SECONDS: Final = 0.05
#: a paced load sends and reads so often: reacting to each answer at once would cost more than the answers
_TICK_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to send."""

    host: str
    port: int
    ecosystem: str
    boot: int
    #: where the batches go, which decides on their form
    channel: str
    #: events in a batch, and batches of one device
    events: int
    batches: int
    #: messages a second of all devices together; None: as fast as the broker takes them
    pace: float | None
    #: whether commit receipts are waited for; without, a broker's acknowledgement is enough
    wants_receipts: bool
    #: of the last event of each device, Unix time
    end_ms: int
    #: the load gives up after so many seconds
    limit_seconds: float


@dataclass(slots=True)
class _Session:
    """One device at the broker."""

    connection: Connection
    downlink_key: bytes
    packets: list[bytes]
    ends: list[int]
    sent_at: list[float] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    #: batches that a receipt covers, from the first on
    receipted: int = 0

    def send(self, count: int, now: float) -> int:
        """Publish the next `count` batches, as far as there are any."""
        first = len(self.sent_at)
        chosen = self.packets[first : first + count]
        if chosen:
            self.connection.send(b"".join(chosen))
            self.sent_at += [now] * len(chosen)
        return len(chosen)


class Load:
    """All devices of one task."""

    def __init__(self, task: Task, devices: Sequence[Device]) -> None:
        """Makes every batch and opens every session: what costs time and is not measured."""
        self._task = task
        self._sessions: list[_Session] = []
        self._selector = selectors.DefaultSelector()
        self._latencies_ms: list[float] = []
        self._sent = 0
        self._last_at = 0.0
        for device in devices:
            batches = sealed_batches(device, task.boot, task.events, task.batches, task.end_ms, task.channel)
            connection = Connection(task.host, task.port, device.name, device.password)
            if task.wants_receipts:
                connection.subscribe(receipt_topic(task.ecosystem, device.name), 0)
            ends = [each.end_seq for each in batches]
            session = _Session(connection, device.keys.downlink, _packets(task, device, batches), ends)
            self._selector.register(connection.socket, selectors.EVENT_READ, session)
            self._sessions.append(session)

    def run(self) -> dict[str, Any]:
        """Publish everything; what came of it."""
        began = self._last_at = time.perf_counter()
        if self._task.pace is None:
            self._sent = sum(session.send(WINDOW, began) for session in self._sessions)
        while not self._is_done() and (now := time.perf_counter()) - began < self._task.limit_seconds:
            wait_seconds = _STEP_SECONDS
            if self._task.pace is not None:
                self._send_due(now - began, now)
                time.sleep(_TICK_SECONDS)
                wait_seconds = 0
            for key, _ in self._selector.select(wait_seconds):
                self._read(key.data)
        return self._result(self._last_at - began)

    def _send_due(self, elapsed_seconds: float, now: float) -> None:
        due = min(int(elapsed_seconds * (self._task.pace or 0)), len(self._sessions) * self._task.batches)
        while self._sent < due:
            self._sent += self._sessions[self._sent % len(self._sessions)].send(1, now)

    def _read(self, session: _Session) -> None:
        acknowledged = 0
        for first, body in session.connection.receive():
            if first == PUBACK:
                session.acknowledged.add(int.from_bytes(body, "big") - FIRST_PACKET)
                acknowledged += 1
            elif first & 0xF0 == PUBLISH:
                self._receipt(session, body)
        if acknowledged and self._task.pace is None:
            self._sent += session.send(acknowledged, time.perf_counter())
        if acknowledged and not self._task.wants_receipts:
            self._last_at = time.perf_counter()

    def _receipt(self, session: _Session, body: bytes) -> None:
        boot, next_seq = receipted_seq(body, session.downlink_key)
        if boot != self._task.boot:
            return
        now = time.perf_counter()
        while session.receipted < len(session.sent_at) and session.ends[session.receipted] <= next_seq:
            self._latencies_ms.append((now - session.sent_at[session.receipted]) * 1000)
            session.receipted += 1
            self._last_at = now

    def _is_done(self) -> bool:
        if self._sent < len(self._sessions) * self._task.batches:
            return False
        return all(
            len(session.acknowledged) == self._task.batches
            and (session.receipted == self._task.batches or not self._task.wants_receipts)
            for session in self._sessions
        )

    def _result(self, seconds: float) -> dict[str, Any]:
        receipted = sum(session.receipted for session in self._sessions)
        latencies = sorted(self._latencies_ms)
        return {
            "seconds": seconds,
            "sent": self._sent,
            "acknowledged": [sorted(session.acknowledged) for session in self._sessions],
            "receipted": receipted,
            "p50_ms": _quantile(latencies, 50),
            "p99_ms": _quantile(latencies, 99),
        }


def main(task: TextIO) -> dict[str, Any]:
    """Run the task that `task` describes."""
    content = json.load(task)
    devices = [
        Device(name, password, DeviceKeys(bytes.fromhex(uplink), bytes.fromhex(downlink)))
        for name, password, uplink, downlink in content.pop("devices")
    ]
    return Load(Task(**content), devices).run()


def _packets(task: Task, device: Device, batches: Sequence[SealedBatch]) -> list[bytes]:
    topic = device_topic(task.ecosystem, device.name, Channel(task.channel))
    return [publish_packet(topic, number, batch.payload) for number, batch in enumerate(batches, FIRST_PACKET)]


def _quantile(ascending: Sequence[float], percent: int) -> float | None:
    """The smallest value that so many percent of all do not exceed."""
    return ascending[-(-len(ascending) * percent // 100) - 1] if ascending else None


if __name__ == "__main__":
    json.dump(main(sys.stdin), sys.stdout)
