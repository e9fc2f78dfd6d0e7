"""Which stored batch is published next, and when again: a PUBACK is no receipt (`docs/protocol.md`, rules 1, 2 and 4).

One pass goes through the outbox from the oldest batch that no receipt covers. A new pass begins with every connection,
when the gateway turns on or is another instance, when a receipt tells that the store has lost something, and when
nothing has been covered for a while.
"""

import asyncio
import json

from micropython import const

from tw.clock import Clock
from tw.codec import BUFFER_BYTES
from tw.errors import BadText
from tw.mqtt import Client
from tw.outbox import Outbox, StoredBatch
from tw.receipts import Receipts

#: Batches that may wait for their receipt: gateways send at most five receipts a second, each covering many batches.
_WINDOW_BATCHES = const(64)
_FIRST_PATIENCE_MS = const(10_000)
_LONGEST_PATIENCE_MS = const(160_000)


class Delivery:
    """Publishes the outbox of one device to its topic."""

    def __init__(self, outbox: Outbox, receipts: Receipts, clock: Clock, topic: str) -> None:
        self._outbox = outbox
        self._receipts = receipts
        self._clock = clock
        self._topic = topic
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._wake = asyncio.Event()
        #: serial number up to which this pass has gone
        self._passed = 0
        #: serial numbers published in this pass and not covered yet
        self._awaited: set[int] = set()
        self._progress_ms = 0
        self._patience_ms = _FIRST_PATIENCE_MS
        self._instance = ""
        #: whether the gateway says that it takes events; False until it has said so on this connection
        self.gateway_is_on = False
        #: messages ignored because they are forged, damaged or not well-formed
        self.ignored = 0

    async def publish_on(self, client: Client) -> None:
        """Publish for as long as the connection lasts; the caller cancels."""
        self.gateway_is_on = False
        self._begin_pass()
        while True:
            batch = self._next()
            if batch is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            if not self._awaited:
                self._progress_ms = self._clock.uptime_ms()
            self._awaited.add(batch.serial)
            self._passed = batch.serial
            size = self._outbox.read_into(batch, self._buffer)
            await client.publish(self._topic, self._view[:size])
            if self._receipts.slow_ms:
                await asyncio.sleep_ms(self._receipts.slow_ms)

    def stored(self) -> None:
        """A batch has been added to the outbox."""
        self._wake.set()

    def take_receipt(self, message: memoryview) -> None:
        """A message on the receipt topic; what does not verify is counted and ignored."""
        try:
            store_lost_something = self._receipts.take(message)
        except BadText:
            self.ignored += 1
            return
        if store_lost_something:
            self._begin_pass()
        covered = [batch.serial for batch in self._outbox.batches if self._outbox.is_covered(batch)]
        awaited = len(self._awaited)
        self._awaited.difference_update(covered)
        if len(self._awaited) < awaited:
            self._progress_ms = self._clock.uptime_ms()
            self._patience_ms = _FIRST_PATIENCE_MS
        self._wake.set()

    def take_gateway_state(self, message: memoryview) -> None:
        """A message on the gateway's state topic."""
        try:
            body = json.loads(bytes(message))
            is_on, instance = body["state"] == "on", body.get("instance", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            self.ignored += 1
            return
        if is_on and (not self.gateway_is_on or instance != self._instance):
            self._begin_pass()
        self.gateway_is_on = is_on
        self._instance = instance
        self._wake.set()

    def check_progress(self) -> None:
        """Give up waiting for receipts that do not come: go on, and at the end of the pass begin another."""
        if not self.gateway_is_on or not self._outbox.uncovered_files:
            return
        now_ms = self._clock.uptime_ms()
        if now_ms - self._progress_ms < self._patience_ms:
            return
        self._progress_ms = now_ms
        self._patience_ms = min(self._patience_ms * 2, _LONGEST_PATIENCE_MS)
        self._awaited.clear()
        if self._next() is None:
            self._passed = 0
        self._wake.set()

    def _begin_pass(self) -> None:
        self._passed = 0
        self._awaited.clear()
        self._progress_ms = self._clock.uptime_ms()
        self._patience_ms = _FIRST_PATIENCE_MS
        self._wake.set()

    def _next(self) -> StoredBatch | None:
        """The oldest batch that this pass still has to publish and may publish now."""
        if not self.gateway_is_on or len(self._awaited) >= _WINDOW_BATCHES:
            return None
        for batch in self._outbox.batches:
            if batch.serial > self._passed and not self._outbox.is_covered(batch):
                return batch
        return None
