"""Devices that publish signed batches and count what the broker acknowledged; gateways that take them, as processes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg.wire.topics import Channel, device_topic
from thalweg_edge.lifeline import tied_to_parent
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.brokers import PASSWORD, wait_for
from worlds.gateway import ECOSYSTEM, ROOT_KEY, charge

_IN_FLIGHT = 50
WH = 7


class LoadDevice(threading.Thread):
    """Publishes its batches at QoS 1; connects again, to whichever server answers, until all are acknowledged."""

    def __init__(self, name: str, ports: Sequence[int], batches: int) -> None:
        super().__init__(name=name, daemon=True)
        self.acknowledged = 0
        self._ports = itertools.cycle(ports)
        writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, name, 1).uplink, boot=1)
        self._todo: deque[bytes] = deque()
        for _ in range(batches):
            writer.add(charge(WH))
            self._todo.append(writer.seal())
        self._unacknowledged: dict[int, bytes] = {}

    def run(self) -> None:
        while self._todo or self._unacknowledged:
            client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.name)
            client.username_pw_set(self.name, PASSWORD)
            client.on_publish = self._on_publish
            with suppress(OSError):
                client.connect("127.0.0.1", next(self._ports), keepalive=5)
                self._publish(client)
            self._todo.extendleft(reversed(self._unacknowledged.values()))
            self._unacknowledged.clear()
            time.sleep(0.1)

    def _publish(self, client: paho.Client) -> None:
        while client.loop(0.02) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            while client.is_connected() and self._todo and len(self._unacknowledged) < _IN_FLIGHT:
                payload = self._todo.popleft()
                sent = client.publish(device_topic(ECOSYSTEM, self.name, Channel.EVENTS), payload, qos=1)
                self._unacknowledged[sent.mid] = payload
            if not self._todo and not self._unacknowledged:
                client.disconnect()

    def _on_publish(self, _client: object, _data: object, mid: int, _reason: object, _properties: object) -> None:
        if self._unacknowledged.pop(mid, None) is not None:
            self.acknowledged += 1


class Load:
    """Several such devices, registered."""

    def __init__(self, database: Database, names: Sequence[str], ports: Sequence[int], batches_each: int) -> None:
        new = [NewDevice(name=name, operator="city-charge", roles={"host": "mall-42"}) for name in names]
        Registry(database).ensure_devices(ECOSYSTEM, new, BEGINNING)
        self._database = database
        self.batches = len(names) * batches_each
        rotations = [[*ports[number % len(ports) :], *ports[: number % len(ports)]] for number in range(len(names))]
        self._devices = [LoadDevice(name, own, batches_each) for name, own in zip(names, rotations, strict=True)]

    def start(self) -> None:
        for device in self._devices:
            device.start()

    @property
    def acknowledged(self) -> int:
        return sum(device.acknowledged for device in self._devices)

    def committed(self) -> tuple[int, int]:
        """Occurrences and Wh."""
        statement = """
            select coalesce(sum(r.occurrences), 0), coalesce(sum(r.quantity), 0)
            from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter where m.name = 'energy'
        """
        with self._database.transaction() as connection:
            row = connection.exec_driver_sql(statement).one()
            return int(row[0]), int(row[1])

    def wait_until_acknowledged(self, count: int) -> None:
        wait_for(lambda: self.acknowledged >= count, f"{count} acknowledgements", 120)

    def expect_nothing_lost_or_doubled(self) -> None:
        """Every acknowledged batch becomes committed, once."""
        self.wait_until_acknowledged(self.batches)
        wait_for(lambda: self.committed()[0] >= self.batches, f"{self.batches} committed", 120)
        assert self.committed() == (self.batches, self.batches * WH)
        with self._database.transaction() as connection:
            assert connection.exec_driver_sql("select count(*) from rejection").scalar_one() == 0


@contextmanager
def gateways(
    count: int, database_url: str, broker: Mapping[str, str], log: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many gateway processes on one broker; `broker` are its settings."""
    running = []
    with log.open("ab") as out:
        for number in range(1, count + 1):
            environment = {
                **os.environ,
                "THALWEG_DATABASE_URL": database_url,
                "THALWEG_ECOSYSTEM": ECOSYSTEM,
                "THALWEG_ROOT_KEY": ROOT_KEY.hex(),
                "THALWEG_GATEWAY_INSTANCE": f"gateway-{number}",
                **broker,
            }
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "thalweg_gateway.main"],
                    env=environment,
                    stdout=out,
                    stderr=out,
                    preexec_fn=tied_to_parent(),  # noqa: PLW1509 - started from the main thread
                )
            )
        try:
            yield running
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
