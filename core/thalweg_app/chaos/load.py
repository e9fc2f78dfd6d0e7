"""The devices, as a process of its own: `python -m thalweg_app.chaos.load`. It is the truth about what was sent.

The first line of standard input is a task in JSON; every further line is a number: so many planned messages may have
been sent by now. A line of JSON on standard output says every quarter of a second how far it is. When everything is
answered, or standard input ends, it writes what became of every message to a file, and leaves.
"""

from __future__ import annotations

import json
import os
import selectors
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.topics import Channel, device_topic, gateway_state_topic
from thalweg_app.bench.sessions import (
    CONNACK,
    FIRST_PACKET,
    PUBACK,
    PUBLISH,
    Connection,
    publish_packet,
    published,
    receipt_topic,
    subscribe_packet,
)
from thalweg_app.bench.workload import Device
from thalweg_app.chaos.device import DeviceState, Number
from thalweg_app.chaos.workload import outgoing

WINDOW: Final = 16
#: one device in so many publishes whatever the gateway says
_DEAF: Final = 4
_RETRY_SECONDS: Final = 0.5
#: a broker that has not acknowledged for so long is left
_SILENCE_SECONDS: Final = 15.0
_STEP_SECONDS: Final = 0.02
_REPORT_SECONDS: Final = 0.25
_PACKETS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to play."""

    host: str
    port: int
    ecosystem: str
    seed: int
    #: of all devices together
    events: int
    #: no event is later than this; Unix time
    now_ms: int
    #: the planned messages are stretched over so many; None: as fast as the broker takes them
    minutes: int | None
    #: where the truth is written
    truth: str


@dataclass(slots=True)
class Session:
    """One device at the broker, connected or not."""

    device: Device
    state: DeviceState
    connection: Connection | None = None
    is_in: bool = False
    try_at: float = 0.0
    heard_at: float = 0.0
    connections: int = 0
    packets: int = 0
    #: packet id → message; None: a birth
    unacknowledged: dict[int, Number | None] = field(default_factory=dict)

    def packet_id(self) -> int:
        """The next one."""
        self.packets += 1
        return FIRST_PACKET + self.packets % _PACKETS


class Load:
    """All devices of one task."""

    def __init__(self, task: Task, devices: Sequence[Device]) -> None:
        """Makes everything that will be sent."""
        self._task = task
        self._selector = selectors.DefaultSelector()
        self._sessions = []
        share, more = divmod(task.events, len(devices))
        for number, device in enumerate(devices):
            made = outgoing(device, task.seed, share + (number < more), task.now_ms, at_least=int(number == 0))
            state = DeviceState(
                made, device.keys.downlink, f"{task.seed}/{device.name}", is_deaf=number % _DEAF == _DEAF - 1
            )
            self._sessions.append(Session(device, state))
        self._planned = sum(session.state.planned for session in self._sessions)
        self._limit = 0
        self._sent = self._resent = 0
        self._receipt_now_ms = 0
        self._is_told_to_stop = False

    def run(self) -> None:
        """Play until everything is answered, or standard input ends."""
        began = time.monotonic()
        reported_at = 0.0
        os.set_blocking(sys.stdin.fileno(), False)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        while not self._is_told_to_stop and not self._is_done():
            now = time.monotonic()
            self._tend(now)
            self._publish(now - began)
            for key, _ in self._selector.select(_STEP_SECONDS):
                if key.data is None:
                    self._obey()
                else:
                    self._read(key.data)
            if now - reported_at > _REPORT_SECONDS:
                reported_at = now
                self._report(is_done=False)
        content = [record.as_json(each.device.name) for each in self._sessions for record in each.state.records]
        Path(self._task.truth).write_text("\n".join(json.dumps(each) for each in content), encoding="utf-8")
        self._report(is_done=self._is_done())

    def _is_done(self) -> bool:
        return self._sent == self._planned and all(
            session.state.is_done and not session.unacknowledged for session in self._sessions
        )

    def _obey(self) -> None:
        """Take the limits that have come; bytes of a line that is not complete yet come with the next look."""
        text = os.read(sys.stdin.fileno(), 1 << 16)
        self._is_told_to_stop = not text
        for line in text.split():
            self._limit = int(line)

    def _tend(self, now: float) -> None:
        """Connect who is not connected, leave a broker that is silent, and give up waiting for lost receipts."""
        for session in self._sessions:
            if session.connection is None:
                if now >= session.try_at:
                    self._connect(session, now)
            elif (session.unacknowledged or not session.is_in) and now - session.heard_at > _SILENCE_SECONDS:
                self._leave(session)
            elif session.is_in:
                session.state.check_progress(now)

    def _connect(self, session: Session, now: float) -> None:
        device = session.device
        session.try_at = now + _RETRY_SECONDS
        try:
            session.connection = Connection.begun(self._task.host, self._task.port, device.name, device.password)
        except OSError:
            return
        session.heard_at = now
        self._selector.register(session.connection.socket, selectors.EVENT_READ, session)

    def _leave(self, session: Session) -> None:
        assert session.connection is not None
        self._selector.unregister(session.connection.socket)
        session.connection.socket.close()
        session.connection, session.is_in = None, False
        session.try_at = time.monotonic() + _RETRY_SECONDS
        lost = [number for number in session.unacknowledged.values() if number is not None]
        session.unacknowledged.clear()
        session.state.unanswered(lost)

    def _publish(self, elapsed_seconds: float) -> None:
        """Let every device send what it may, in turns, so that a limit stops all of them alike."""
        limit = self._limit
        if self._task.minutes is not None:
            limit = min(limit, int(elapsed_seconds * self._planned / self._task.minutes / 60))
        for session in self._sessions:
            if session.connection is not None and session.is_in and session.state.may_send:
                chosen = list(self._choose(session, limit))
                if chosen:
                    self._send(session, b"".join(chosen))

    def _choose(self, session: Session, limit: int) -> Iterator[bytes]:
        state = session.state
        topic = device_topic(self._task.ecosystem, session.device.name, Channel.EVENTS)
        while len(session.unacknowledged) < WINDOW:
            number = state.next_again()
            if number is not None:
                self._resent += 1
            elif state.planned and self._sent < limit:
                number = state.next_planned()
                self._sent += 1
            else:
                return
            packet_id = session.packet_id()
            session.unacknowledged[packet_id] = number
            state.records[number].sent += 1
            yield publish_packet(topic, packet_id, state.records[number].message.payload)

    def _send(self, session: Session, data: bytes) -> None:
        assert session.connection is not None
        try:
            session.connection.send(data)
        except OSError:
            self._leave(session)

    def _read(self, session: Session) -> None:
        assert session.connection is not None
        try:
            packets = session.connection.receive()
        except (OSError, SetupError):  # SetupError: its end
            self._leave(session)
            return
        session.heard_at = now = time.monotonic()
        for first, body in packets:
            if first == PUBACK:
                number = session.unacknowledged.pop(int.from_bytes(body, "big"), None)
                if number is not None:
                    session.state.acknowledged(number)
            elif first == CONNACK:
                if body[1] != 0:
                    self._leave(session)
                    return
                self._welcome(session)
            elif first & 0xF0 == PUBLISH:
                self._heed(session, *published(first, body), now)

    def _welcome(self, session: Session) -> None:
        """Let in: subscribe, tell the birth, and send again what is unanswered."""
        session.is_in = True
        session.connections += 1
        session.state.connected()
        ecosystem, name = self._task.ecosystem, session.device.name
        topics = (receipt_topic(ecosystem, name), gateway_state_topic(ecosystem))
        now_ms = time.time_ns() // 1_000_000
        birth = session.state.birth(session.device.keys.uplink, session.connections, now_ms)
        packet_id = session.packet_id()
        session.unacknowledged[packet_id] = None
        state_topic = device_topic(ecosystem, name, Channel.STATE)
        self._send(session, subscribe_packet(*topics) + publish_packet(state_topic, packet_id, birth, is_retained=True))

    def _heed(self, session: Session, topic: str, payload: bytes, now: float) -> None:
        if topic == gateway_state_topic(self._task.ecosystem):
            session.state.take_gateway_state(payload, now)
        else:
            self._receipt_now_ms = max(self._receipt_now_ms, session.state.take_receipt(payload, now))

    def _report(self, *, is_done: bool) -> None:
        states = [session.state for session in self._sessions]
        line = {
            "planned": self._planned,
            "sent": self._sent,
            "resent": self._resent,
            "receipts": sum(state.receipts for state in states),
            "forged_receipts": sum(state.forged for state in states),
            "receipt_now_ms": self._receipt_now_ms,
            "epochs": max(state.epochs for state in states),
            "connected": sum(session.is_in for session in self._sessions),
            "connections": sum(session.connections for session in self._sessions),
            "done": is_done,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    """Play the task that standard input describes."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:  # what follows is read by `Load`
        content = json.loads(unbuffered.readline())
    devices = [
        Device(name, password, DeviceKeys(bytes.fromhex(uplink), bytes.fromhex(downlink)))
        for name, password, uplink, downlink in content.pop("devices")
    ]
    Load(Task(**content), devices).run()


if __name__ == "__main__":
    main()
