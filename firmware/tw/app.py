"""A device: builds its parts from `device.json` and runs them as a few small tasks.

::

    app = App({"charging.session": {"unit": "Wh", "fields": ["emsp"]}})
    app.start()
    app.meter.record("charging.session", 6706, final=True, emsp="volt-pass")
"""

import asyncio

from micropython import const

from tw import VERSION, plat
from tw.clock import NTP, UNSYNCHRONISED, Clock
from tw.codec import BatchWriter
from tw.config import load
from tw.delivery import Delivery
from tw.errors import OutboxFull
from tw.meter import Meter
from tw.mqtt import Client
from tw.outbox import Outbox
from tw.receipts import Receipts
from tw.sign import Key, seal_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_TICK_MS = const(250)
_NETWORK_CHECK_MS = const(5_000)
_CLOCK_RETRY_MS = const(30_000)
_CLOCK_PERIOD_MS = const(3_600_000)
_GOODBYE_TIMEOUT_MS = const(3_000)


class App:
    """One device. `kinds` are the events that it sends: `{kind: {"unit": …, "fields": […]}}`.

    `folder` holds `device.json` and the outbox. Raises ConfigError.
    """

    def __init__(self, kinds: "Mapping[str, Mapping[str, object]]", folder: str = plat.STORAGE_ROOT) -> None:
        config = self.config = load(f"{folder}/device.json")
        self._kinds = kinds
        self._uplink_key = Key(config.uplink_key)
        self._outbox = Outbox(f"{folder}/outbox", self._uplink_key, config.key_version, config.outbox_max_files)
        self._previous = self._outbox.newest
        self.boot = self._new_boot()
        self.clock = Clock()
        self._receipts = Receipts(self._outbox, Key(config.downlink_key), self.boot)
        self._delivery = Delivery(self._outbox, self._receipts, self.clock, self._topic("e"))
        self.client = Client(
            config.device,
            (config.host, config.port),
            (config.user, config.password),
            self.clock,
            keep_alive_seconds=config.keep_alive_seconds,
        )
        writer = BatchWriter(self._uplink_key, config.key_version, self.boot)
        #: records events
        self.meter = Meter(writer, self._outbox, self.clock, self._delivery)
        self._birth_is_due = asyncio.Event()
        self._network_problem = ""
        self._storage_problem = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks; call it inside a running event loop."""
        self._tasks = [
            asyncio.create_task(body)
            for body in (self._keep_network_and_time(), self._keep_link(), self._keep_sealing())
        ]

    async def stop(self) -> None:
        """Seal, say goodbye to the broker if it can be reached, and end the tasks. Raises OutboxFull."""
        self.meter.seal()
        if self.client.is_connected:
            try:
                await asyncio.wait_for_ms(self._say_goodbye(), _GOODBYE_TIMEOUT_MS)
            except (OSError, asyncio.TimeoutError):
                pass  # the last will says it
        for task in self._tasks:
            task.cancel()

    def set_clock(self, unix_ms: int, quality: int) -> None:
        """Set the wall clock from a source of this time quality; the gateway learns it when it was not set before."""
        was_set = self.clock.quality != UNSYNCHRONISED
        self.meter.set_clock(unix_ms, quality)
        if not was_set:
            self._birth_is_due.set()

    def status(self) -> dict[str, object]:
        """Where this device stands; `recorded` and `receipted` count events of this boot, `outbox` uncovered files."""
        return {
            "boot": self.boot,
            "recorded": self.meter.next_seq,
            "receipted": self._receipts.next_seq(self.boot),
            "outbox": self._outbox.uncovered_files,
            "damaged": self._outbox.damaged,
            "lost": sum([end - first for _, first, end in self._outbox.given_up.intervals]),
            "refused": self.meter.refused,
            "connected": self.client.is_connected,
            "gateway": self.is_online(),
            "problem": self._storage_problem or self._network_problem or self.client.problem,
        }

    def is_online(self) -> bool:
        """Whether the gateway takes events now."""
        return self.client.is_connected and self._delivery.gateway_is_on

    async def _keep_link(self) -> None:
        await self.client.run(
            self._will,
            [self._topic("a"), self._gateway_topic()],
            self._receive,
            [self._announce, lambda: self._delivery.publish_on(self.client)],
        )

    async def _keep_network_and_time(self) -> None:
        next_question_ms = 0
        while True:
            try:
                await plat.network_up(self.config.wifi)
                if self.clock.uptime_ms() >= next_question_ms:
                    next_question_ms = self.clock.uptime_ms() + _CLOCK_RETRY_MS
                    self.set_clock(await plat.true_unix_ms(), NTP)
                    next_question_ms = self.clock.uptime_ms() + _CLOCK_PERIOD_MS
                    self._network_problem = ""
            except (OSError, OutboxFull) as problem:
                self._network_problem = f"network and time: {problem}"
            await asyncio.sleep_ms(_NETWORK_CHECK_MS)

    async def _keep_sealing(self) -> None:
        while True:
            seconds = self.config.seal_online_seconds if self.is_online() else self.config.seal_offline_seconds
            try:
                self.meter.seal_after(seconds * 1000)
                self._storage_problem = ""
            except (OSError, OutboxFull) as problem:
                self._storage_problem = f"storage: {problem}"  # the batch stays open and is tried again
            self._delivery.check_progress()
            await asyncio.sleep_ms(_TICK_MS)

    async def _announce(self) -> None:
        """Publish the birth on a new connection, and again when the clock is first set or something is given up."""
        while True:
            self._birth_is_due.clear()
            await self.client.publish(self._topic("s"), self._birth(), retain=True)
            await self._birth_is_due.wait()

    async def _say_goodbye(self) -> None:
        await self.client.publish(self._topic("s"), self._will()[1], retain=True)
        await self.client.finish()

    def _receive(self, topic: str, payload: memoryview) -> None:
        if topic == self._gateway_topic():
            self._delivery.take_gateway_state(payload)
        else:
            self._delivery.take_receipt(payload)
            if self._outbox.given_up.take_news():
                self._birth_is_due.set()

    def _will(self) -> tuple[str, bytes]:
        body = {"state": "off", "boot": self.boot, "next": self.meter.next_seq}
        return self._topic("s"), seal_text("s", body, self._uplink_key)

    def _birth(self) -> bytes:
        is_set = self.clock.quality != UNSYNCHRONISED
        body: dict[str, object] = {
            "state": "on",
            "boot": self.boot,
            "next": self.meter.next_seq,
            "fw": VERSION,
            "hw": plat.BOARD,
            "up": self.clock.uptime_ms(),
            "now": self.clock.event_ms() if is_set else 0,
            "q": self.clock.quality,
            "kinds": self._kinds,
        }
        if self._previous is not None:
            body["prev"] = {"boot": self._previous.boot, "next": self._previous.end_seq}
        if self._outbox.given_up.intervals:
            body["lost"] = self._outbox.given_up.intervals
        return seal_text("s", body, self._uplink_key)

    def _topic(self, channel: str) -> str:
        return f"tw1/{self.config.ecosystem}/{self.config.device}/{channel}"

    def _gateway_topic(self) -> str:
        return f"tw1/{self.config.ecosystem}/_gateway/s"

    def _new_boot(self) -> int:
        held = {batch.boot for batch in self._outbox.batches}
        boot = plat.random_u32()
        while boot in held:
            boot = plat.random_u32()
        return boot
