"""A small world: the EV example, one registered charge point, and a source in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.forms import channel_of
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.keys import DeviceKeys, derive
from thalweg.wire.text import open_sealed, seal
from thalweg.wire.topics import Channel, device_topic, parse
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.source import Lag, Message
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

ROOT_KEY = bytes(range(100, 132))
ECOSYSTEM = "ev-test"
DEVICE = "cp-01"
NOON_MS = 1_790_000_100_000
#: role → participant of the charge point
HOSTED = MappingProxyType({"host": "mall-42"})


class MemorySource:
    """A broker in memory: messages wait until they are committed; `lose_connection` makes all others come again."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []
        self.taken: list[Message] = []
        self.committed: list[Message] = []
        self.published: list[tuple[str, bytes]] = []
        self.is_ready = True
        self.is_paused = False
        self.pauses = 0
        self.is_closed = False

    def put(self, topic: str, payload: bytes) -> None:
        self.waiting.append(Message(topic, payload, datetime.now(UTC), len(self.waiting) + len(self.taken)))

    def lag(self) -> Lag:
        return Lag(len(self.waiting), None)

    def lose_connection(self) -> None:
        self.waiting = [*self.taken, *self.waiting]
        self.taken = []

    def take(self, limit: int, wait_seconds: float) -> list[Message]:  # noqa: ARG002 - never waits
        out, self.waiting = self.waiting[:limit], self.waiting[limit:]
        self.taken += out
        return out

    def commit(self, messages: Sequence[Message]) -> None:
        self.committed += messages
        self.taken = [message for message in self.taken if message not in messages]

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self.published += messages

    def pause(self) -> None:
        self.pauses += not self.is_paused
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def close(self) -> None:
        self.is_closed = True


@dataclass
class World:
    """One gateway and what it works on."""

    database: Database
    source: MemorySource
    pipeline: Pipeline
    keys: DeviceKeys
    topic: str = device_topic(ECOSYSTEM, DEVICE, Channel.EVENTS)
    state_topic: str = device_topic(ECOSYSTEM, DEVICE, Channel.STATE)
    #: of the batches of boots to come
    writer: type[BatchWriter | JsonBatchWriter] = BatchWriter
    _writers: dict[int, BatchWriter | JsonBatchWriter] = field(default_factory=dict)

    def batch(self, *events: Event, boot: int = 7, time_quality: int = 1) -> bytes:
        """The next sealed batch of a boot."""
        writer = self._writers.setdefault(boot, self.writer(self.keys.uplink, boot))
        for event in events:
            writer.add(event)
        return writer.seal(time_quality)

    def send(self, payload: bytes) -> None:
        self.source.put(device_topic(ECOSYSTEM, DEVICE, channel_of(payload)), payload)

    def send_state(self, **body: Any) -> None:
        self.source.put(self.state_topic, seal(Channel.STATE, body, self.keys.uplink))

    def receipts(self) -> list[dict[str, Any]]:
        """The bodies of all receipts sent so far; each must be authentic."""
        return [
            open_sealed(Channel.RECEIPT, payload, self.keys.downlink)
            for topic, payload in self.source.published
            if parse(topic).channel is Channel.RECEIPT
        ]

    def step_until(self, condition: Callable[[], bool]) -> None:
        """Step until the condition holds; receipts to one device are at least 0.2 s apart."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.pipeline.step()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


def charge(wh: int = 10_000, at_ms: int = NOON_MS, emsp: str = "volt-pass", **more: int | str) -> Event:
    """A finished charging session."""
    return Event(at_ms, "charging.session", wh, False, {"emsp": emsp, "session": 1, "seconds": 3600, **more})


def occupancy(at_ms: int = NOON_MS) -> Event:
    """An occupancy record handed to the city."""
    return Event(at_ms, "occupancy", 1, True, {"to": "city", "seconds": 3600})


def make_pipeline(source: MemorySource, database: Database, instance: str = "gateway-1") -> Pipeline:
    return Pipeline(source, database, ECOSYSTEM, ROOT_KEY, instance, live_seconds=0)


def make_world(database: Database, design: str = "ev-charging", roles: Mapping[str, str] = HOSTED) -> World:
    """A registered ecosystem with a shipped design and one device, which has worked for `roles` since the beginning."""
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42"} | {name: name for name in roles.values()})
    document = text(design)
    registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))
    registry.ensure_devices(ECOSYSTEM, [NewDevice(name=DEVICE, operator="city-charge", roles=dict(roles))], BEGINNING)
    source = MemorySource()
    return World(database, source, make_pipeline(source, database), derive(ROOT_KEY, ECOSYSTEM, DEVICE, 1))
