"""A simulated device: the real firmware on the Unix port, with the host process as its hardware.

``micropython firmware/sim/device.py DEVICE_DIR``, where DEVICE_DIR holds ``device.json``, ``kinds.json`` (the events
that the device declares: ``{kind: {"unit": …, "fields": […]}}``) and the outbox.
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

_LINE_LIMIT_BYTES = 1024
_INTEGER_LIMIT = 1 << 63
_STRING_LIMIT_BYTES = 255
#: the receiver is one more
_ATTRIBUTE_LIMIT = 15
#: names of the meter's own parameters
_TAKEN = ("self", "kind", "object_name", "quantity", "to", "final")
_POLL_MS = 20
_STATUS_PERIOD_MS = 1000


class Activity:
    """What a command line tells the device to record; raises ValueError for any other line."""

    def __init__(self, raw: dict[str, object]) -> None:
        #: Unix time in ms, or None for now
        self.at_ms = None if raw.get("at_ms") is None else _integer("at_ms", raw["at_ms"])
        #: whether the last event closes a bill
        self.is_final = raw.get("final") is True
        rows = raw.get("events")
        if not isinstance(rows, list) or not rows:
            raise ValueError('neither "events" nor "end"')
        self.events = [_event(row) for row in rows]


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


class Device:
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
                activity = _parse(line)
            except ValueError as problem:
                self._skipped_lines += 1
                _say("error", f"line skipped ({self._skipped_lines} so far): {problem}")
                continue
            if activity is None:
                return
            await self._record(activity)
            await asyncio.sleep_ms(0)

    async def _record(self, activity: Activity) -> None:
        app, meter = self._app, self._app.meter
        app.set_clock(await plat.true_unix_ms() if activity.at_ms is None else activity.at_ms, NTP)
        left = len(activity.events)
        for kind, quantity, to, attributes in activity.events:
            left -= 1
            is_final = activity.is_final and not left
            if to is None:
                await _once_there_is_room(meter.record, kind, quantity, final=is_final, **attributes)
            else:
                await _once_there_is_room(meter.exchange, kind, quantity, to=to, final=is_final, **attributes)

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


async def _once_there_is_room(record: "Callable[..., None]", *what: object, **details: object) -> None:
    while True:
        try:
            record(*what, **details)
        except OutboxFull:
            await asyncio.sleep_ms(_POLL_MS)
        else:
            return


def _parse(line: bytes) -> Activity | None:
    """The activity that a line describes, or None for the end; raises ValueError."""
    try:
        command = json.loads(line)
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(command, dict):
        raise ValueError("no JSON object")
    return None if command.get("end") is True else Activity(command)


def _event(row: object) -> "tuple[str, int, str | None, dict[str, int | str]]":
    """Kind, quantity, receiver (None for what was used) and attributes of an event."""
    if not isinstance(row, list) or len(row) != 4 or not isinstance(row[3], dict):
        raise ValueError("an event is no [kind, quantity, to, attributes]")
    kind, quantity, to, attributes = row
    if len(attributes) > _ATTRIBUTE_LIMIT:
        raise ValueError(f"an event has more than {_ATTRIBUTE_LIMIT} attributes")
    for name in attributes:
        if name in _TAKEN:
            raise ValueError(f'an attribute is called "{name}"')
        _text("name", name)
        if not isinstance(attributes[name], str):
            _integer(name, attributes[name])
        else:
            _text(name, attributes[name])
    return _text("kind", kind), _integer("quantity", quantity), None if to is None else _text("to", to), attributes


def _integer(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _INTEGER_LIMIT:
        raise ValueError(f'"{name}" is no whole number')
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value.encode()) > _STRING_LIMIT_BYTES:
        raise ValueError(f'"{name}" is no text of 1 to {_STRING_LIMIT_BYTES} bytes')
    return value


def _kinds(path: str) -> dict[str, dict[str, object]]:
    try:
        with open(path) as file:
            kinds: dict[str, dict[str, object]] = json.load(file)
    except (OSError, ValueError):
        raise ConfigError(f"there is no {path}, or it is no JSON: write which events the device sends") from None
    return kinds


def _say(what: str, content: object) -> None:
    print(json.dumps({what: content}))


def main() -> None:
    """Run the device in the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: micropython device.py DEVICE_DIR")
    try:
        app = App(_kinds(f"{sys.argv[1]}/kinds.json"), sys.argv[1])
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    asyncio.run(Device(app).run())


main()
