"""A simulated charge point: the real firmware on the Unix port, with the host process as its hardware.

``micropython firmware/sim/charge_point.py DEVICE_DIR``, where DEVICE_DIR holds ``device.json`` and the outbox.
Commands come as JSON lines on standard input, reports go as JSON lines to standard output (`firmware/README.md`).
"""

import asyncio
import json
import select
import sys

sys.path.insert(0, (sys.path[0] or ".") + "/..")

from tw import plat
from tw.app import App
from tw.clock import NTP
from tw.errors import ConfigError, OutboxFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = {
    "charging.session": {"unit": "Wh", "fields": ["emsp", "session", "seconds"]},
    "occupancy": {"unit": "count", "fields": ["to"]},
}
_LINE_LIMIT_BYTES = 1024
_INTEGER_LIMIT = 1 << 63
_EMSP_LIMIT_BYTES = 255
_POLL_MS = 20
_STATUS_PERIOD_MS = 1000


class Session:
    """One finished charging session, as a command line describes it; raises ValueError for any other line."""

    def __init__(self, raw: dict[str, object]) -> None:
        #: Unix time in ms, or None for now
        self.end_ms = None if raw.get("end_ms") is None else _integer(raw, "end_ms")
        self.energy_wh = _integer(raw, "wh")
        self.seconds = _integer(raw, "seconds")
        self.number = _integer(raw, "id")
        emsp = raw.get("emsp")
        if not isinstance(emsp, str) or len(emsp.encode()) > _EMSP_LIMIT_BYTES:
            raise ValueError(f'"emsp" is no text of at most {_EMSP_LIMIT_BYTES} bytes')
        self.emsp = emsp


class InputLines:
    """Lines of standard input, without ever blocking the event loop."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._stream = asyncio.StreamReader(self._input)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLIN)

    async def next(self) -> bytes | None:
        """The next line without its end, or None at the end of the input; of a line too long, its beginning."""
        line = bytearray()
        while True:
            # A byte that is there already is read at once; only an empty pipe costs a turn of the event loop.
            byte = self._input.read(1) if self._poll.poll(0) else await self._stream.read(1)
            if not byte:
                return None
            if byte == b"\n":
                return bytes(line)
            if len(line) <= _LINE_LIMIT_BYTES:
                line.extend(byte)


class ChargePoint:
    """Turns commands into metered events."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._skipped_lines = 0

    async def run(self) -> None:
        """Obey until the end is asked for, then return once receipts cover everything."""
        app = self._app
        app.start()
        reporting = asyncio.create_task(self._report())
        await self._obey()
        await _once_there_is_room(app.meter.seal)
        while app.status()["outbox"]:
            await asyncio.sleep_ms(_POLL_MS)
        reporting.cancel()
        status = app.status()
        await app.stop()
        _say("done", status)

    async def _obey(self) -> None:
        lines = InputLines()
        while True:
            while not self._app.meter.has_room():  # a full outbox pushes back on the pipe
                await asyncio.sleep_ms(_POLL_MS)
            line = await lines.next()
            if line is None:
                await asyncio.Event().wait()  # deliver until somebody ends this process
                return
            try:
                session = _parse(line)
            except ValueError as problem:
                self._skipped_lines += 1
                _say("error", f"line skipped ({self._skipped_lines} so far): {problem}")
                continue
            if session is None:
                return
            await self._charge(session)
            await asyncio.sleep_ms(0)

    async def _charge(self, session: Session) -> None:
        app, meter = self._app, self._app.meter
        app.set_clock(await plat.true_unix_ms() if session.end_ms is None else session.end_ms, NTP)
        await _once_there_is_room(lambda: meter.exchange("occupancy", 1, to="city"))
        details: dict[str, int | str] = {"emsp": session.emsp, "session": session.number, "seconds": session.seconds}
        await _once_there_is_room(lambda: meter.record("charging.session", session.energy_wh, final=True, **details))

    async def _report(self) -> None:
        app = self._app
        while not app.client.is_connected:
            await asyncio.sleep_ms(_POLL_MS)
        _say("ready", {"device": app.config.device, "boot": app.boot})
        last: dict[str, object] = {}
        while True:
            status = app.status()
            if status != last:
                _say("status", status)
                last = status
            await asyncio.sleep_ms(_STATUS_PERIOD_MS)


async def _once_there_is_room(record: "Callable[[], None]") -> None:
    while True:
        try:
            record()
        except OutboxFull:
            await asyncio.sleep_ms(_POLL_MS)
        else:
            return


def _parse(line: bytes) -> Session | None:
    """The session that a line describes, or None for the end; raises ValueError."""
    try:
        command = json.loads(line)
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(command, dict):
        raise ValueError("no JSON object")
    if command.get("end") is True:
        return None
    if not isinstance(command.get("session"), dict):
        raise ValueError('neither "session" nor "end"')
    return Session(command["session"])


def _integer(raw: dict[str, object], name: str) -> int:
    value = raw.get(name)
    if not isinstance(value, int) or not 0 <= value < _INTEGER_LIMIT:
        raise ValueError(f'"{name}" is no whole number')
    return value


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
