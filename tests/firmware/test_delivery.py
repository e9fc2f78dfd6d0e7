"""A whole device against a broker that misbehaves: every event arrives, and nothing is freed without a receipt."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_broker import DEVICE, ECOSYSTEM, ScriptedBroker

from thalweg.wire import keys

pytestmark = pytest.mark.slow

BOARD = Path(__file__).parents[2] / "firmware" / "sim" / "device.py"
KINDS = {
    "charging.session": {"unit": "Wh", "fields": ["emsp", "session", "seconds"]},
    "occupancy": {"unit": "count", "fields": ["to"]},
}
KEYS = keys.derive(bytes(range(32)), ECOSYSTEM, DEVICE, 1)
LIMIT_SECONDS = 60


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class ChargePoint:
    """A simulated device as a process, which charges cars."""

    def __init__(self, micropython: Path, folder: Path, port: int, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        configuration = {
            "ecosystem": ECOSYSTEM,
            "device": DEVICE,
            "key_version": 1,
            "uplink_key": KEYS.uplink.hex(),
            "downlink_key": KEYS.downlink.hex(),
            "mqtt": {"host": "127.0.0.1", "port": port, "user": DEVICE, "password": "secret"},
            "keep_alive_seconds": 2,
            **settings,
        }
        (folder / "device.json").write_text(json.dumps(configuration), encoding="utf-8")
        (folder / "kinds.json").write_text(json.dumps(KINDS), encoding="utf-8")
        self.outbox = folder / "outbox"
        self._process = subprocess.Popen(
            [str(micropython), str(BOARD), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self.status: dict[str, Any] = {}
        self.errors: list[str] = []
        self.ready: dict[str, Any] = {}
        self.done: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def charge(self, first: int, count: int) -> None:
        """Let `count` sessions end, two events and one batch each; `first` numbers them."""
        for number in range(first, first + count):
            session = {"emsp": "volt-pass", "session": number, "seconds": 5303}
            events = [["occupancy", 1, "city", {}], ["charging.session", 6706, None, session]]
            self.write(json.dumps({"at_ms": 1_515_777_720_000 + number, "events": events, "final": True}))

    def write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def boot(self) -> int:
        """The number of this start; waits for the first connection."""
        wait_for(lambda: bool(self.ready), "a first connection")
        boot: int = self.ready["boot"]
        return boot

    def end(self) -> dict[str, Any]:
        """Ask for the end and wait for it; gives the last report."""
        self.write('{"end": true}')
        assert self._process.wait(LIMIT_SECONDS) == 0
        self._reader.join()
        return self.done

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            report = json.loads(line)
            self.status = report.get("status", self.status)
            self.ready = report.get("ready", self.ready)
            self.done = report.get("done", self.done)
            self.errors += [report["error"]] if "error" in report else []


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with ScriptedBroker(KEYS) as started:
        yield started


@pytest.fixture
def start(micropython: Path, tmp_path: Path, broker: ScriptedBroker) -> Iterator[Callable[..., ChargePoint]]:
    """Starts the charge point, always in the same folder."""
    started: list[ChargePoint] = []

    def _start(**settings: Any) -> ChargePoint:
        started.append(ChargePoint(micropython, tmp_path / "device", broker.port, **settings))
        return started[-1]

    yield _start
    for charge_point in started:
        charge_point.kill()


Start = Callable[..., ChargePoint]


def test_every_event_is_receipted_and_the_device_says_goodbye(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    device.boot()
    device.charge(0, 50)
    done = device.end()
    assert (done["recorded"], done["receipted"], done["outbox"], done["refused"]) == (100, 100, 0, 0)
    assert broker.seqs(done["boot"]) == list(range(100))
    assert broker.seen.goodbyes == 1
    birth, goodbye = broker.seen.births
    assert (birth["state"], birth["next"], birth["boot"], birth["q"]) == ("on", 0, done["boot"], 1)
    assert "prev" not in birth
    assert birth["kinds"]["charging.session"] == {"unit": "Wh", "fields": ["emsp", "session", "seconds"]}
    assert goodbye == {"state": "off", "boot": done["boot"], "next": 100}


def test_a_restart_after_a_kill_sends_what_no_receipt_covers_and_names_the_boot_before(
    start: Start, broker: ScriptedBroker
) -> None:
    broker.gives_receipts = False
    device = start()
    device.charge(0, 5)
    wait_for(lambda: len(broker.seen.batches) == 5, "five batches")
    first_boot = device.boot()
    device.kill()
    broker.gives_receipts = True
    device = start()
    device.charge(5, 2)
    done = device.end()
    assert sorted(broker.committed[first_boot]) == list(range(10))
    assert sorted(broker.committed[done["boot"]]) == list(range(4))
    assert broker.seen.births[1]["prev"] == {"boot": first_boot, "next": 10}


def test_an_acknowledgement_is_no_receipt(start: Start, broker: ScriptedBroker) -> None:
    broker.gives_receipts = False
    device = start(outbox_max_files=4)
    device.charge(0, 6)
    wait_for(lambda: len(broker.seen.batches) == 4, "four batches")
    wait_for(lambda: device.status.get("outbox") == 4, "a full outbox")
    assert len(list(device.outbox.iterdir())) == 4
    broker.gives_receipts = True
    broker.drop()
    done = device.end()
    assert (done["recorded"], done["receipted"]) == (12, 12)
    assert len(list(device.outbox.iterdir())) == 4


def test_a_dropped_connection_loses_nothing(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    for number in range(4):
        device.charge(number * 10, 10)
        wait_for(lambda number=number: len(broker.seen.batches) > number * 10, "batches")  # type: ignore[misc]
        broker.drop()
    done = device.end()
    assert sorted(broker.committed[done["boot"]]) == list(range(80))
    assert len(broker.seen.connects) >= 2


def test_a_broker_that_does_not_acknowledge_is_left(start: Start, broker: ScriptedBroker) -> None:
    broker.acknowledges = broker.gives_receipts = False
    device = start()
    device.charge(0, 3)
    wait_for(lambda: len(broker.seen.connects) > 1, "another connection")
    broker.acknowledges = broker.gives_receipts = True
    broker.drop()
    assert device.end()["receipted"] == 6


def test_a_connection_that_is_open_on_one_side_only_is_found_out(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    wait_for(lambda: device.status.get("connected") is True, "a connection")
    broker.is_silent = True
    device.charge(0, 3)
    wait_for(lambda: len(broker.seen.connects) > 1, "another connection")
    broker.is_silent = False
    broker.drop()
    assert device.end()["receipted"] == 6


def test_a_refused_connection_is_reported_and_tried_again(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    wait_for(lambda: device.status.get("connected") is True, "a connection")
    broker.refusal = 5
    broker.drop()
    wait_for(lambda: "let this device in" in device.status.get("problem", ""), "the refusal's reason")
    broker.refusal = 0
    device.charge(0, 1)
    done = device.end()
    assert (done["receipted"], done["problem"]) == (2, "")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x40\x00",
        b"\x30\x01\x00",
        b"\x30\x04\x00\x02\xff\xfe",
        b"\x30\x02\xff\xff",
        b"\x90\x00",
        b"\xff" * 9,
        b"\x60\x00",
    ],
    ids=[
        "empty-puback",
        "no-topic",
        "topic-not-utf-8",
        "topic-too-long",
        "empty-suback",
        "endless-length",
        "unasked-kind",
    ],
)
def test_a_broken_packet_ends_the_connection_and_not_the_device(
    start: Start, broker: ScriptedBroker, raw: bytes
) -> None:
    device = start()
    wait_for(lambda: device.status.get("gateway") is True, "a connection")
    broker.say_bytes(raw)
    wait_for(lambda: len(broker.seen.connects) > 1, "another connection")
    device.charge(0, 1)
    assert device.end()["receipted"] == 2


def test_a_message_that_is_too_long_is_read_over(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    boot = device.boot()
    broker.say_receipt(boot, padding="x" * 20_000)
    device.charge(0, 3)
    assert device.end()["receipted"] == 6
    assert len(broker.seen.connects) == 1


def test_while_the_gateway_is_off_nothing_is_published(start: Start, broker: ScriptedBroker) -> None:
    broker.gateway_state = {"state": "off"}
    device = start()
    device.charge(0, 5)
    wait_for(lambda: device.status.get("recorded") == 10, "ten events")
    wait_for(lambda: broker.seen.pings > 1, "a connection that has lived for a while")
    assert (broker.seen.batches, device.status["gateway"]) == ([], False)
    broker.say_gateway_state({"state": "on", "instance": "b"})
    assert device.end()["receipted"] == 10


def test_a_gateway_without_a_state_is_not_published_to(start: Start, broker: ScriptedBroker) -> None:
    broker.gateway_state = None
    device = start()
    device.charge(0, 2)
    wait_for(lambda: broker.seen.pings > 1, "a connection that has lived for a while")
    assert broker.seen.batches == []


def test_a_restored_store_gets_again_what_the_device_still_holds(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    device.charge(0, 5)
    wait_for(lambda: device.status.get("receipted") == 10, "ten receipted events")
    boot = device.boot()
    broker.committed[boot] = set(range(4))
    broker.epoch = "e-2"
    broker.say_receipt(boot)
    wait_for(lambda: broker.committed[boot] == set(range(10)), "everything again")
    assert sorted(set(broker.seqs(boot)[10:])) == list(range(4, 10))
    assert device.end()["outbox"] == 0


def test_a_forged_receipt_frees_nothing(start: Start, broker: ScriptedBroker) -> None:
    broker.gives_receipts = False
    device = start()
    device.charge(0, 2)
    wait_for(lambda: len(broker.seen.batches) == 2, "two batches")
    boot = device.boot()
    broker.say_receipt(boot, key=KEYS.uplink, next=4)
    pings = broker.seen.pings
    wait_for(lambda: broker.seen.pings > pings + 1, "the receipt to have been read")
    assert (device.status["receipted"], device.status["outbox"]) == (0, 2)
    broker.say_receipt(boot, next=4)
    assert device.end()["receipted"] == 4


def test_the_device_waits_between_batches_when_it_is_asked_to(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    wait_for(lambda: device.status.get("connected") is True, "a connection")
    broker.say_receipt(device.boot(), slow=60_000)
    pings = broker.seen.pings
    wait_for(lambda: broker.seen.pings > pings + 1, "the receipt to have been read")
    broker.gives_receipts = False
    device.charge(0, 5)
    wait_for(lambda: device.status.get("recorded") == 10, "ten events")
    pings = broker.seen.pings
    wait_for(lambda: broker.seen.pings > pings + 1, "some time to pass")
    assert len(broker.seen.batches) == 1


def test_bad_lines_are_reported_and_skipped(start: Start, broker: ScriptedBroker) -> None:
    device = start()
    bad = [
        "",
        "nonsense",
        "[1]",
        "{}",
        '{"events": 3}',
        '{"events": []}',
        '{"events": [["charging.session", 1.5, null, {}]]}',
        '{"events": [["charging.session", true, null, {}]]}',
        '{"events": [["charging.session", 1, 2, {}]]}',
        '{"events": [["charging.session", 1, null, []]]}',
        '{"events": [["charging.session", 1, null, {"emsp": 0.5}]]}',
        '{"events": [["charging.session", 1, null]]}',
        '{"events": [["charging.session", 1, null, {}], ["", 1, null, {}]]}',
        '{"at_ms": -1, "events": [["charging.session", 1, null, {}]]}',
    ]
    crowded = {f"a{number}": number for number in range(16)}
    bad += [
        "x" * 5000,
        "\x00",
        *(json.dumps({"events": [["location", 1, "city", each]]}) for each in (crowded, {"to": "x"})),
    ]
    for line in bad:
        device.write(line)
    device.write(
        '{"at_ms": null, "events": [["charging.session", 7, null, {"seconds": 9}], ["location", 1, "city", {}]]}'
    )
    assert device.end()["receipted"] == 2
    assert len(device.errors) == len(bad)
    assert broker.seqs(device.boot()) == [0, 1]


def test_a_full_outbox_pushes_back_on_the_input(start: Start, broker: ScriptedBroker) -> None:
    broker.gateway_state = {"state": "off"}
    device = start(outbox_max_files=4)
    writer = threading.Thread(target=device.charge, args=(0, 1200), daemon=True)
    writer.start()
    wait_for(lambda: device.status.get("outbox") == 4, "a full outbox")
    pings = broker.seen.pings
    wait_for(lambda: broker.seen.pings > pings + 1, "some time to pass")
    assert writer.is_alive()
    assert device.status["recorded"] == 8
    broker.say_gateway_state({"state": "on", "instance": "a"})
    writer.join()
    assert device.end()["receipted"] == 2400


def test_an_unusable_configuration_ends_the_process_with_every_mistake(micropython: Path, tmp_path: Path) -> None:
    (tmp_path / "device.json").write_text('{"device": "CP"}', encoding="utf-8")
    (tmp_path / "kinds.json").write_text("{}", encoding="utf-8")
    command = [str(micropython), str(BOARD), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)
    assert done.returncode == 1
    for name in ("ecosystem", "device", "uplink_key", "mqtt"):
        assert name in done.stderr
