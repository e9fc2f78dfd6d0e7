"""One TCP connection that carries MQTT packets: whole packets out, one packet at a time in."""

import asyncio

from micropython import const

from tw.errors import LinkError

#: Longer packets are read over: nothing that a device is sent is as long as this.
INCOMING_LIMIT_BYTES = const(2048)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


async def open_connection(host: str, port: int, buffer: bytearray) -> "Connection":
    """Connect; incoming packets are read into `buffer`. Raises OSError."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # A packet leaves in two writes; without this the second would wait for the other side.
        writer.s.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)  # type: ignore[attr-defined]  # the stubs hide the socket
    except OSError:
        pass  # a board without the option is slower, not wrong
    return Connection(reader, writer, buffer)


class Connection:
    """An open connection. Everything raises OSError or EOFError once it is broken."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, buffer: bytearray) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = memoryview(buffer)
        self._lock = asyncio.Lock()

    async def send(self, head: bytes | bytearray, payload: bytes | memoryview = b"") -> None:
        """Send one packet, given as two parts so that a payload need not be copied behind its head."""
        async with self._lock:  # two drains at once would send bytes twice
            self._writer.write(head)
            if payload:
                self._writer.write(payload)
            await self._writer.drain()

    async def receive(self) -> tuple[int, memoryview, int]:
        """The next packet: its kind, its body (valid until the next call), and how long the body really was.

        The body is cut at the buffer's length.
        """
        head = await self._reader.readexactly(2)  # no packet is shorter
        byte, size, shift = head[1], head[1] & 0x7F, 7
        while byte & 0x80:
            if shift > 21:
                raise LinkError("the length of a packet does not end")
            byte = (await self._reader.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
        kept = min(size, len(self._incoming))
        await self._fill(self._incoming[:kept])
        left = size - kept
        while left:
            await self._reader.readexactly(1)
            left -= 1
        return head[0] & 0xF0, self._incoming[:kept], size

    async def close(self) -> None:
        """Give the socket back, without a goodbye."""
        await self._writer.wait_closed()

    async def _fill(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            count = await self._reader.readinto(view[done:])
            if count == 0:
                raise EOFError
            done += count or 0  # None: nothing there after all
