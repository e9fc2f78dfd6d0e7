import asyncio
import json
import os

from parts import raises, receipt
from tw import plat
from tw.app import App
from tw.clock import NTP
from tw.errors import OutboxFull
from tw.sign import Key, open_text

KINDS = {"energy": {"unit": "Wh", "fields": ["phase"]}}


class Broker:
    """Takes the client's place and keeps what is published."""

    def __init__(self):
        self.is_connected = False
        self.problem = ""
        self.published = []

    async def publish(self, topic, payload, retain=False):
        self.published.append((topic, open_text("s", payload, Key(b"\xab" * 32)), retain))


def application():
    with open("device.json", "w") as file:
        json.dump(
            {
                "ecosystem": "ev-city", "device": "cp-01", "key_version": 1,
                "uplink_key": "ab" * 32, "downlink_key": "cd" * 32, "outbox_max_files": 4,
                "mqtt": {"host": "broker", "user": "cp-01", "password": "secret"},
            },
            file,
        )  # fmt: skip
    app = App(KINDS, ".")
    app.client = Broker()
    return app


async def run_for_a_turn(coroutine):
    task = asyncio.create_task(coroutine)
    await asyncio.sleep_ms(1)
    return task


def test_the_birth_is_published_again_when_the_clock_is_set():
    async def main():
        app = application()
        task = await run_for_a_turn(app._announce())
        app.meter.record("energy", 5)
        app.set_clock(1_764_000_000_000, NTP)
        await asyncio.sleep_ms(1)
        app.set_clock(1_764_000_001_000, NTP)
        await asyncio.sleep_ms(1)
        task.cancel()
        (topic, first, retain), (_, second, _) = app.client.published
        assert (topic, retain) == ("tw1/ev-city/cp-01/s", True)
        assert (first["state"], first["boot"], first["next"], first["q"], first["now"]) == ("on", app.boot, 0, 0, 0)
        assert (second["next"], second["q"]) == (1, NTP)
        assert 1_764_000_000_000 <= second["now"] < 1_764_000_060_000
        assert second["up"] >= first["up"]
        assert second["kinds"] == KINDS

    asyncio.run(main())


def test_the_birth_names_the_boot_before_this_one():
    first = application()
    assert "prev" not in first._birth().decode()
    first.meter.record("energy", 5)
    first.meter.record("energy", 5, final=True)
    body = open_text("s", application()._birth(), Key(b"\xab" * 32))
    assert body["prev"] == {"boot": first.boot, "next": 2}


def test_what_is_given_up_is_declared_in_every_birth_and_at_once_when_a_receipt_shows_it():
    async def main():
        app = application()
        assert b"lost" not in app._birth()
        for _ in range(4):
            app.meter.record("energy", 5, final=True)
        app._receive("tw1/ev-city/cp-01/a", receipt(app.boot, 4, key=Key(b"\xcd" * 32)))
        app.meter.record("energy", 5, final=True)
        task = await run_for_a_turn(app._announce())
        app._receive("tw1/ev-city/cp-01/a", receipt(app.boot, 0, epoch="e-2", key=Key(b"\xcd" * 32)))
        await asyncio.sleep_ms(1)
        task.cancel()
        bodies = [body for _, body, _ in app.client.published]
        assert [body.get("lost") for body in bodies] == [None, [[app.boot, 0, 1]]]
        assert app.status()["lost"] == 1
        assert open_text("s", application()._birth(), Key(b"\xab" * 32))["lost"] == [[app.boot, 0, 1]]

    asyncio.run(main())


def test_a_boot_is_never_numbered_like_one_that_is_still_held():
    first = application()
    first.meter.record("energy", 5, final=True)
    numbers = [first.boot, first.boot, 77]
    plat.random_u32 = lambda: numbers.pop(0)
    assert application().boot == 77


def test_the_last_will_says_off_and_how_far_the_boot_had_come():
    app = application()
    app.meter.record("energy", 5)
    topic, payload = app._will()
    assert topic == "tw1/ev-city/cp-01/s"
    assert open_text("s", payload, Key(b"\xab" * 32)) == {"state": "off", "boot": app.boot, "next": 1}


def test_a_missing_network_is_reported_and_does_not_stop_the_metering():
    async def no_network(_):
        raise OSError("the Wi-Fi home cannot be joined")

    async def main():
        app = application()
        plat.network_up = no_network
        task = await run_for_a_turn(app._keep_network_and_time())
        assert "home" in app.status()["problem"]
        app.meter.record("energy", 5, final=True)
        assert app.status()["outbox"] == 1
        task.cancel()

    asyncio.run(main())


def test_a_full_outbox_is_reported_by_the_call_and_by_the_status():
    app = application()
    for _ in range(4):
        app.meter.record("energy", 5, final=True)
    raises(OutboxFull, app.meter.record, "energy", 5)
    status = app.status()
    assert (status["recorded"], status["refused"], status["outbox"]) == (4, 1, 4)
    assert len(os.listdir("outbox")) == 4
