"""MQTT 3.1.1 client on asyncio: one connection at a time, QoS 1 publishing, reconnects by itself.

Sessions are clean: what must arrive is in the outbox, so the broker keeps nothing for a device, and a publication
that no PUBACK answers is not repeated here; whoever published it decides what to send on the next connection.
"""

import asyncio
import random
import time

from micropython import const

from tw.errors import LinkError
from tw.packets import CONNACK, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBLISH, SUBACK, connect, publish_head, subscribe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

#: Longer messages are read over: nothing that a device is sent is as long as this.
_INCOMING_LIMIT_BYTES = const(2048)
_CONNECT_TIMEOUT_MS = const(10_000)
_ACKNOWLEDGE_TIMEOUT_MS = const(20_000)
_FIRST_DELAY_MS = const(500)
_LONGEST_DELAY_MS = const(60_000)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses this client id",
    3: "the broker is not available",
    4: "the broker does not know this user name and password",
    5: "the broker does not let this device in, or cannot check it now",
}


class Client:
    """The connection to one broker.

    `keep_alive_seconds` bounds how long a dead connection goes unnoticed (1.5 times that); `window` is the number of
    publications that may wait for their PUBACK.
    """

    def __init__(
        self,
        client_id: str,
        host: str,
        port: int,
        user: str,
        password: str,
        keep_alive_seconds: int = 30,
        window: int = 16,
    ) -> None:
        self._client_id = client_id
        self._address = (host, port)
        self._credentials = (user, password)
        self._keep_alive_ms = keep_alive_seconds * 1000
        self._window = window
        self.is_connected = False
        #: why the last connection ended or was refused; empty while all is well
        self.problem = ""
        self._stream = None
        self._incoming = bytearray(_INCOMING_LIMIT_BYTES)
        #: ticks of sending, by packet id
        self._unacknowledged: dict[int, int] = {}
        self._last_packet_id = 0
        self._write_lock = asyncio.Lock()
        self._room = asyncio.Event()

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
                await asyncio.wait_for_ms(self._connect(will(), topics), _CONNECT_TIMEOUT_MS)
                delay_ms = _FIRST_DELAY_MS
                await self._serve(receive, sessions)
            except (OSError, EOFError, LinkError, asyncio.TimeoutError) as problem:
                self.problem = _words(problem)
            finally:
                self._close()
            # Half of the delay is random, so that a site's devices do not return all at once after an outage.
            await asyncio.sleep_ms(delay_ms // 2 + random.randrange(delay_ms // 2 + 1))
            delay_ms = min(delay_ms * 2, _LONGEST_DELAY_MS)

    async def publish(self, topic: str, payload: bytes | memoryview, retain: bool = False) -> None:
        """Send with QoS 1 as soon as the window has room; raises OSError when the connection is gone."""
        while len(self._unacknowledged) >= self._window:
            self._room.clear()
            await self._room.wait()
        packet_id = self._next_packet_id()
        self._unacknowledged[packet_id] = time.ticks_ms()
        await self._send(publish_head(topic, packet_id, len(payload), retain), payload)

    async def finish(self) -> None:
        """Wait until every publication is acknowledged, then say goodbye, so that the broker drops the last will."""
        while self._unacknowledged:
            self._room.clear()
            await self._room.wait()
        await self._send(DISCONNECT)

    async def _connect(self, will: tuple[str, bytes], topics: list[str]) -> None:
        self._stream, _ = await asyncio.open_connection(*self._address)
        try:
            # A packet leaves in two writes; without this the second would wait for the other side.
            self._stream.s.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        except OSError:
            pass  # a board without the option is slower, not wrong
        self._unacknowledged.clear()
        self._write_lock = asyncio.Lock()
        await self._send(connect(self._client_id, self._keep_alive_ms // 1000, will, self._credentials))
        kind, size = await self._read_head()
        if kind != CONNACK or size != 2:
            raise LinkError("the broker's answer to CONNECT is no CONNACK")
        code = (await self._read_body(size))[1]
        if code:
            raise LinkError(_REFUSALS.get(code, f"the broker refuses with code {code}"))
        for topic in topics:
            await self._send(subscribe(topic, self._next_packet_id()))

    async def _serve(
        self,
        receive: "Callable[[str, memoryview], None]",
        sessions: "list[Callable[[], Coroutine[None, None, None]]]",
    ) -> None:
        self.is_connected = True
        self.problem = ""
        self._heard = time.ticks_ms()
        ended = asyncio.Event()
        bodies = [self._read(receive), self._keep_alive()]
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

    async def _read(self, receive: "Callable[[str, memoryview], None]") -> None:
        while True:
            kind, size = await self._read_head()
            body = await self._read_body(size)
            self._heard = time.ticks_ms()
            if len(body) < size or kind == PINGRESP:
                continue
            if kind == PUBACK:
                self._unacknowledged.pop(body[0] << 8 | body[1], None)
                self._room.set()
            elif kind == PUBLISH:
                topic_end = 2 + (body[0] << 8 | body[1])
                receive(str(body[2:topic_end], "utf-8"), body[topic_end:])
            elif kind != SUBACK:
                raise LinkError(f"the broker sent a packet of kind {kind >> 4}")
            elif body[2] & 0x80:
                raise LinkError("the broker refuses a subscription")

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep_ms(self._keep_alive_ms // 2)
            now = time.ticks_ms()
            if time.ticks_diff(now, self._heard) > self._keep_alive_ms * 3 // 2:
                raise LinkError("the broker has fallen silent")
            for sent in self._unacknowledged.values():
                if time.ticks_diff(now, sent) > _ACKNOWLEDGE_TIMEOUT_MS:
                    raise LinkError("the broker does not acknowledge")
            await self._send(PINGREQ)

    async def _read_head(self) -> tuple[int, int]:
        head = await self._stream.readexactly(2)  # no packet is shorter
        size, shift, byte = head[1] & 0x7F, 7, head[1]
        while byte & 0x80:
            if shift > 21:
                raise LinkError("a packet's length does not end")
            byte = (await self._stream.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
        return head[0] & 0xF0, size

    async def _read_body(self, size: int) -> memoryview:
        """The next `size` bytes; what exceeds the limit is read over and leaves a shorter view."""
        view = memoryview(self._incoming)
        kept = min(size, _INCOMING_LIMIT_BYTES)
        done = 0
        while done < size:
            start = done if done < kept else 0
            end = kept if done < kept else min(size - done, _INCOMING_LIMIT_BYTES)
            count = await self._stream.readinto(view[start:end])
            if count == 0:
                raise EOFError
            done += count or 0  # None: nothing there after all
        return view[:kept]

    async def _send(self, head: bytes | bytearray, payload: bytes | memoryview = b"") -> None:
        async with self._write_lock:  # two drains at once would send bytes twice
            self._stream.write(head)
            if payload:
                self._stream.write(payload)
            await self._stream.drain()

    def _next_packet_id(self) -> int:
        self._last_packet_id = self._last_packet_id % 0xFFFF + 1
        return self._last_packet_id

    def _close(self) -> None:
        self.is_connected = False
        if self._stream is not None:
            self._stream.s.close()
            self._stream = None


def _words(problem: Exception) -> str:
    if isinstance(problem, asyncio.TimeoutError):
        return "the broker did not answer in time"
    if isinstance(problem, EOFError):
        return "the broker closed the connection"
    return str(problem)
