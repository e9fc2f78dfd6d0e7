"""MQTT 3.1.1 client on asyncio: one connection at a time, QoS 1 publishing, reconnects by itself.

Sessions are clean: what must arrive is in the outbox, so the broker keeps nothing for a device, and a publication
that no PUBACK answers is not repeated here; whoever published it decides what to send on the next connection.
"""

import asyncio
import random

from micropython import const

from tw.clock import Clock
from tw.connection import INCOMING_LIMIT_BYTES, Connection, open_connection
from tw.errors import LinkError
from tw.packets import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    acknowledged_id,
    check_subscription,
    connect,
    publication,
    publish_head,
    subscribe,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_CONNECT_TIMEOUT_MS = const(10_000)
_FIRST_DELAY_MS = const(500)
_LONGEST_DELAY_MS = const(60_000)

_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses this client id",
    3: "the broker is not available",
    4: "the broker does not know this user name and password",
    5: "the broker does not let this device in, or cannot check it now",
}


class Client:
    """The connection to one broker at `address` (host, port) with `credentials` (user name, password).

    `keep_alive_seconds` bounds how long a dead connection goes unnoticed (1.5 times that); `window` is the number of
    publications that may wait for their PUBACK.
    """

    def __init__(
        self,
        client_id: str,
        address: tuple[str, int],
        credentials: tuple[str, str],
        clock: Clock,
        *,
        keep_alive_seconds: int = 30,
        window: int = 16,
    ) -> None:
        self._client_id = client_id
        self._address = address
        self._credentials = credentials
        self._clock = clock
        self._keep_alive_ms = keep_alive_seconds * 1000
        self._window = window
        #: why the last connection ended or was refused; empty while all is well
        self.problem = ""
        self._connection: Connection | None = None
        self._incoming = bytearray(INCOMING_LIMIT_BYTES)
        #: uptime in ms at which each publication without PUBACK was sent, by packet id
        self._unacknowledged: dict[int, int] = {}
        self._last_packet_id = 0
        self._room = asyncio.Event()
        self._heard = 0

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection and it has not broken since."""
        return self._connection is not None

    async def run(
        self,
        will: "Callable[[], tuple[str, bytes]]",
        topics: list[str],
        receive: "Callable[[str, memoryview], None]",
        sessions: "list[Callable[[], Coroutine[None, None, None]]]",
    ) -> None:
        """Connect, and again whenever the connection breaks; never returns.

        `will` gives topic and payload of the last will, asked at each connection. `receive` is called with topic and
        payload of each message on `topics`; the payload is valid during the call only. Each of `sessions` is started
        on every new connection and cancelled with it.
        """
        delay_ms = _FIRST_DELAY_MS
        while True:
            try:
                connection: Connection = await asyncio.wait_for_ms(
                    open_connection(*self._address, self._incoming), _CONNECT_TIMEOUT_MS
                )
                try:
                    await asyncio.wait_for_ms(self._enter(connection, will(), topics), _CONNECT_TIMEOUT_MS)
                    delay_ms = _FIRST_DELAY_MS
                    await self._serve(connection, receive, sessions)
                finally:
                    self._connection = None
                    await connection.close()
            except (OSError, EOFError, LinkError, asyncio.TimeoutError) as problem:
                self.problem = _words(problem)
            # Half of the delay is random, so that a site's devices do not return all at once after an outage.
            await asyncio.sleep_ms(delay_ms // 2 + random.randrange(delay_ms // 2 + 1))
            delay_ms = min(delay_ms * 2, _LONGEST_DELAY_MS)

    async def publish(self, topic: str, payload: bytes | memoryview, retain: bool = False) -> None:
        """Send with QoS 1 as soon as the window has room; raises OSError when the connection is gone."""
        while len(self._unacknowledged) >= self._window:
            self._room.clear()
            await self._room.wait()
        packet_id = self._next_packet_id()
        self._unacknowledged[packet_id] = self._clock.uptime_ms()
        await self._open().send(publish_head(topic, packet_id, len(payload), retain), payload)

    async def finish(self) -> None:
        """Wait until every publication is acknowledged, then say goodbye, so that the broker drops the last will."""
        while self._unacknowledged:
            self._room.clear()
            await self._room.wait()
        await self._open().send(DISCONNECT)

    def _open(self) -> Connection:
        if self._connection is None:
            raise OSError("not connected to the broker")
        return self._connection

    async def _enter(self, connection: Connection, will: tuple[str, bytes], topics: list[str]) -> None:
        self._unacknowledged.clear()
        await connection.send(connect(self._client_id, self._keep_alive_ms // 1000, will, self._credentials))
        kind, body, size = await connection.receive()
        if kind != CONNACK or size != 2:
            raise LinkError("the broker's answer to CONNECT is no CONNACK")
        if body[1]:
            raise LinkError(_REFUSALS.get(body[1], f"the broker refuses with code {body[1]}"))
        for topic in topics:
            await connection.send(subscribe(topic, self._next_packet_id()))

    async def _serve(
        self,
        connection: Connection,
        receive: "Callable[[str, memoryview], None]",
        sessions: "list[Callable[[], Coroutine[None, None, None]]]",
    ) -> None:
        self._connection = connection
        self.problem = ""
        self._heard = self._clock.uptime_ms()
        ended = asyncio.Event()
        bodies = [self._read(connection, receive), self._keep_alive(connection)]
        bodies.extend([session() for session in sessions])
        tasks = [asyncio.create_task(self._watched(body, ended)) for body in bodies]
        try:
            await ended.wait()
            for task in tasks:
                if task.done():
                    await task  # raises what is no failure of the connection
        finally:
            for task in tasks:
                task.cancel()

    async def _watched(self, body: "Coroutine[None, None, None]", ended: asyncio.Event) -> None:
        try:
            await body
        except (OSError, EOFError, LinkError) as problem:
            self.problem = _words(problem)
        finally:
            ended.set()

    async def _read(self, connection: Connection, receive: "Callable[[str, memoryview], None]") -> None:
        while True:
            kind, body, size = await connection.receive()
            self._heard = self._clock.uptime_ms()
            if size > len(body):
                continue  # cut: longer than anything that is meant for a device
            if kind == PUBACK:
                self._unacknowledged.pop(acknowledged_id(body), None)
                self._room.set()
            elif kind == PUBLISH:
                receive(*publication(body))
            elif kind == SUBACK:
                check_subscription(body)
            elif kind != PINGRESP:
                raise LinkError(f"the broker sent a packet of kind {kind >> 4}")

    async def _keep_alive(self, connection: Connection) -> None:
        longest_silence_ms = self._keep_alive_ms * 3 // 2
        while True:
            await asyncio.sleep_ms(self._keep_alive_ms // 2)
            now = self._clock.uptime_ms()
            if now - self._heard > longest_silence_ms:
                raise LinkError("the broker has fallen silent")
            for sent in self._unacknowledged.values():
                if now - sent > longest_silence_ms:
                    raise LinkError("the broker does not acknowledge")
            await connection.send(PINGREQ)

    def _next_packet_id(self) -> int:
        self._last_packet_id = self._last_packet_id % 0xFFFF + 1
        return self._last_packet_id


def _words(problem: Exception) -> str:
    if isinstance(problem, asyncio.TimeoutError):
        return "the broker did not answer in time"
    if isinstance(problem, EOFError):
        return "the broker closed the connection"
    if isinstance(problem, OSError):
        return f"the connection failed: {problem}"
    return str(problem)
