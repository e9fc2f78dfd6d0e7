"""A simulated charge point: the real firmware on the Unix port, with the host process as its hardware.

``micropython firmware/sim/charge_point.py DEVICE_DIR``, where DEVICE_DIR holds ``device.json`` and the outbox.
Commands come as JSON lines on standard input, reports go as JSON lines to standard output (`firmware/README.md`).
"""

import asyncio
import json
import select
import sys

sys.path.insert(0, (sys.path[0] or ".") + "/..")

from tw import plat  # noqa: E402
from tw.app import App  # noqa: E402
from tw.clock import NTP  # noqa: E402
from tw.errors import ConfigError, OutboxFull  # noqa: E402

_KINDS = {
    "charging.session": {"unit": "Wh", "fields": ["emsp", "session", "seconds"]},
    "occupancy": {"unit": "count", "fields": ["to", "seconds"]},
}
_LINE_LIMIT_BYTES = 1024
_ROOM_POLL_MS = 20
_STATUS_PERIOD_MS = 1000


class Lines:
    """Lines of standard input, without ever blocking the event loop."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._stream = asyncio.StreamReader(self._input)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLIN)

    async def next(self) -> bytes:
        """The next line without its end, or b"" at the end of the input; of a line that is too long, its beginning."""
        line = bytearray()
        while True:
            # A byte that is there already is read at once; only an empty pipe costs a turn of the event loop.
            byte = self._input.read(1) if self._poll.poll(0) else await self._stream.read(1)
            if not byte:
                return b""
            if byte == b"\n":
                return bytes(line)
            if len(line) <= _LINE_LIMIT_BYTES:
                line.extend(byte)


class ChargePoint:
    """Turns commands into metered events."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._bad_lines = 0

    async def run(self) -> None:
        """Read commands until the end is asked for; at the end of the input, go on delivering for ever."""
        app = self._app
        app.start()
        reporting = asyncio.create_task(self._report())
        await self._obey()
        app.meter.seal()
        while app.status()["outbox"]:
            await asyncio.sleep_ms(_ROOM_POLL_MS)
        reporting.cancel()
        await app.stop()
        _say("done", _facts(app))

    async def _obey(self) -> None:
        lines = Lines()
        while True:
            while not self._app.meter.has_room():  # a full outbox pushes back on the pipe
                await asyncio.sleep_ms(_ROOM_POLL_MS)
            line = await lines.next()
            if not line:
                await asyncio.Event().wait()  # no more input: deliver until somebody ends this process
            try:
                command = _parse(line)
            except ValueError as problem:
                self._bad_lines += 1
                _say("error", f"line skipped ({self._bad_lines} so far): {problem}")
                continue
            if command is None:
                return
            await self._charge(command)

    async def _charge(self, session: dict[str, int | str]) -> None:
        meter = self._app.meter
        end_ms = session["end_ms"]
        self._app.set_clock(await plat.true_unix_ms() if end_ms is None else end_ms, NTP)
        seconds = session["seconds"]
        await self._when_there_is_room(lambda: meter.exchange("occupancy", 1, to="city", seconds=seconds))
        await self._when_there_is_room(
            lambda: meter.record(
                "charging.session", session["wh"], final=True, emsp=session["emsp"], session=session["id"], seconds=seconds
            )
        )
        await asyncio.sleep_ms(0)

    async def _when_there_is_room(self, record: "Callable[[], None]") -> None:
        while True:
            try:
                return record()
            except OutboxFull:
                await asyncio.sleep_ms(_ROOM_POLL_MS)

    async def _report(self) -> None:
        app, last = self._app, None
        while not app.client.is_connected:
            await asyncio.sleep_ms(_ROOM_POLL_MS)
        _say("ready", {"device": app.config.device, "boot": app.boot})
        while True:
            facts = _facts(app)
            if facts != last:
                _say("status", facts)
                last = facts
            await asyncio.sleep_ms(_STATUS_PERIOD_MS)


def _parse(line: bytes) -> "dict[str, int | str] | None":
    """The session of a line, or None for the end; raises ValueError."""
    try:
        command = json.loads(line)
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(command, dict):
        raise ValueError("no JSON object")
    if command.get("end") is True:
        return None
    session = command.get("session")
    if not isinstance(session, dict):
        raise ValueError('neither "session" nor "end"')
    for name in ("wh", "seconds", "id"):
        if not isinstance(session.get(name), int):
            raise ValueError(f'"{name}" is no integer')
    if session.get("end_ms") is not None and not isinstance(session["end_ms"], int):
        raise ValueError('"end_ms" is neither an integer nor null')
    if not isinstance(session.get("emsp"), str):
        raise ValueError('"emsp" is no text')
    return session


def _facts(app: App) -> dict[str, object]:
    return app.status()


def _say(what: str, content: object) -> None:
    print(json.dumps({what: content}))


def main() -> None:
    """Run the charge point in the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: micropython charge_point.py DEVICE_DIR")
    try:
        app = App(_KINDS, sys.argv[1])
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    asyncio.run(ChargePoint(app).run())


main()
