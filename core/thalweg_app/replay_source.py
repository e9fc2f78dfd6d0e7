"""The records of a file, read by a profile: rows of a CSV file, or JSON payloads, one a line.

Lines of JSON may be what `mosquitto_sub -F %J` prints: an object with `topic` and `payload`, and `tst`, when it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from rich.progress import Progress

from thalweg.errors import SetupError, UnreadableRecord
from thalweg.profiles import Reader, Reading, Refused
from thalweg.profiles.document import Format
from thalweg.profiles.records import payload_of, rows
from thalweg.wire.batch import digest
from thalweg_gateway.foreign_intake import read_foreign
from thalweg_gateway.foreign_parts import ForeignMessage
from thalweg_gateway.source import Message
from thalweg_store.measuring import milliseconds

_RECORDED: Final = {"topic", "payload"}
#: Mosquitto writes one before the offset of a local time
_STRAY_Z: Final = re.compile(r"Z(?=[+-]\d)")


def messages_of(path: Path, reader: Reader, now: datetime, progress: Progress) -> Iterator[ForeignMessage]:
    """Every record of the file at `path`, as received `now`; raises SetupError and ProfileError."""
    is_csv = reader.profile.format is Format.CSV
    try:
        with progress.open(path, "r", encoding="utf-8-sig", newline="", description=path.name) as lines:
            yield from _rows(lines, reader, path.name, now) if is_csv else _lines(lines, reader, path.name, now)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is no text in UTF-8: {error}") from None


def _rows(lines: Iterable[str], reader: Reader, name: str, now: datetime) -> Iterator[ForeignMessage]:
    received_ms = milliseconds(now)
    for row in rows(lines, reader.profile.csv, reader.columns):
        reading: Reading = (
            (Refused("bad_row", row.problem),) if row.problem is not None else reader.read(row.cells, received_ms)
        )
        yield _message(reading, row.payload, name, now, row.number)


def _lines(lines: Iterable[str], reader: Reader, name: str, now: datetime) -> Iterator[ForeignMessage]:
    for number, line in enumerate(lines, start=1):
        raw = line.strip().encode()
        if not raw:
            continue
        topic, received_at, payload = None, now, raw
        with suppress(UnreadableRecord):
            said = payload_of(raw, Format.JSON)
            if isinstance(said, dict) and said.keys() >= _RECORDED:
                topic, payload = str(said["topic"]), _payload(said["payload"], reader.profile.format)
                received_at = _moment(said.get("tst"), now)
        message = read_foreign(Message(topic or name, payload, received_at, None), reader, has_topic=topic is not None)
        yield message._replace(transport_id=f"{number}:{digest(payload).hex()}")


def _message(reading: Reading, payload: bytes, topic: str, at: datetime, number: int) -> ForeignMessage:
    return ForeignMessage(reading, payload, topic, at, f"{number}:{digest(payload).hex()}")


def _payload(said: object, form: Format) -> bytes:
    """A payload that was printed as text, as the JSON that it is with its numbers exact, or, being no text, in hex."""
    if form is Format.SPARKPLUG and isinstance(said, str):
        with suppress(ValueError):
            return bytes.fromhex(said)
    return said.encode() if isinstance(said, str) else _written(said).encode()


def _written(said: object) -> str:
    if isinstance(said, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_written(value)}" for key, value in said.items()) + "}"
    if isinstance(said, list):
        return "[" + ",".join(map(_written, said)) + "]"
    return str(said) if isinstance(said, Decimal) else json.dumps(said, ensure_ascii=False)


def _moment(written: object, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(_STRAY_Z.sub("", str(written)))
    except ValueError:
        return now
    return moment.astimezone(UTC) if moment.tzinfo is not None else now
