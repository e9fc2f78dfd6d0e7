"""Reads recorded charging sessions from a CSV file. Every row becomes a session or a rejection with its reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError
from thalweg_edge.activities import Activity, Kind
from thalweg_edge.charging_sessions import KINDS, ChargingSession
from thalweg_edge.columns import WH_DECIMALS, ColumnMapping
from thalweg_edge.device_ids import device_ids

_LIMIT: Final = 1 << 62
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOO_MANY: Final = "too many cells"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is no session."""

    #: the first row below the heading is 1
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordedSessions:
    """What a file holds; a source of activities. `rows` = all sessions + `rejected`."""

    #: by device id, each by end and then by row
    by_device: dict[str, list[ChargingSession]]
    #: device id by the station's name in the file
    devices: dict[str, str]
    rows: int
    rejected: list[RejectedRow]
    #: sessions whose end lay before their start; booked at their start, with no connected time
    repaired: int

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """See `ActivitySource`."""
        return KINDS

    keeps_times = True

    def activities_after(self, device: str, activity_id: int | None) -> Iterator[Activity]:
        """See `ActivitySource`."""
        sessions = self.by_device.get(device, [])
        ids = [session.id for session in sessions]
        first = ids.index(activity_id) + 1 if activity_id in ids else 0
        return (session.activity() for session in sessions[first:])

    def count(self, device: str) -> int:
        """See `ActivitySource`."""
        return len(self.by_device.get(device, []))

    def energy_wh(self) -> int:
        """The sum over all sessions."""
        return sum(session.energy_wh for sessions in self.by_device.values() for session in sessions)


def read_sessions(path: Path, mapping: ColumnMapping) -> RecordedSessions:
    """The sessions in a file in UTF-8, with or without byte-order mark; raises SetupError when a column is missing."""
    by_station: dict[str, list[ChargingSession]] = {}
    rejected: list[RejectedRow] = []
    row_of_id: dict[int, int] = {}
    rows = repaired = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=mapping.delimiter, restkey=_TOO_MANY)
            _check_heading(reader.fieldnames or [], mapping, path)
            for rows, cells in enumerate(reader, start=1):
                try:
                    session, was_repaired = _session(cells, rows, mapping)
                    if session.id in row_of_id:
                        raise _RowError(f"its id {session.id} is that of row {row_of_id[session.id]}")
                except _RowError as problem:
                    rejected.append(RejectedRow(rows, str(problem)))
                    continue
                row_of_id[session.id] = rows
                by_station.setdefault(cells[mapping.station].strip(), []).append(session)
                repaired += was_repaired
    except OSError as problem:
        raise SetupError(f"the sessions in {path} cannot be read: {problem.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise SetupError(f"{path} is no CSV file in UTF-8 (behind row {rows}): {problem}") from None
    devices = device_ids(by_station)
    for sessions in by_station.values():
        sessions.sort(key=lambda session: session.end_ms)
    by_device = {devices[station]: by_station[station] for station in sorted(by_station)}
    return RecordedSessions(by_device, devices, rows, rejected, repaired)


class _RowError(Exception):
    """Why a row is no session."""


def _check_heading(heading: Sequence[str], mapping: ColumnMapping, path: Path) -> None:
    missing = [column for column in mapping.columns() if column not in heading]
    if missing:
        raise SetupError(
            f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, heading))}: "
            "name its columns in a mapping (station, start, end, energy, energy_unit, duration, id, …)"
        )


def _session(cells: dict[str, str], row: int, mapping: ColumnMapping) -> tuple[ChargingSession, bool]:
    """The session of a row and whether it had to be repaired; raises _RowError."""
    if _TOO_MANY in cells:
        raise _RowError("it has more cells than the heading")
    for column in mapping.columns():
        if not (cells[column] or "").strip():
            raise _RowError(f"{column} is empty")
    start_ms = _time_ms(cells[mapping.start], mapping.start, mapping.time_format)
    end_ms = _time_ms(cells[mapping.end], mapping.end, mapping.time_format)
    energy_wh = _energy_wh(cells[mapping.energy], mapping)
    session_id = _whole(cells[mapping.id], mapping.id) if mapping.id else row
    is_broken = end_ms < start_ms  # the station lost the session's end; its connected time says nothing either
    if is_broken:
        seconds, end_ms = 0, start_ms
    elif mapping.duration:
        seconds = _seconds(cells[mapping.duration], mapping.duration)
    else:
        seconds = (end_ms - start_ms) // 1000
    return ChargingSession(session_id, start_ms, end_ms, energy_wh, seconds), is_broken


def _time_ms(text: str, column: str, time_format: str) -> int:
    try:
        if time_format == "iso":
            moment = datetime.fromisoformat(text.strip())
        else:
            moment = datetime.strptime(text.strip(), time_format)  # noqa: DTZ007 - a time without offset is UTC
    except ValueError:
        raise _RowError(f"{column} is {text!r}, no time written as {time_format}") from None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    if milliseconds < 0:
        raise _RowError(f"{column} is {text!r}, before 1970")
    return milliseconds


def _energy_wh(text: str, mapping: ColumnMapping) -> int:
    try:
        energy = Decimal(text.strip())
    except InvalidOperation:
        raise _RowError(f"{mapping.energy} is {text!r}, no number") from None
    if not energy.is_finite() or not 0 <= energy < _LIMIT:
        raise _RowError(f"{mapping.energy} is {text!r}, no amount of energy")
    _, digits, exponent = energy.as_tuple()
    shift = int(exponent) + WH_DECIMALS[mapping.energy_unit]
    number = int("".join(map(str, digits)))
    # from as many decimals as there are digits on, the number is all rest
    whole, rest = divmod(number, 10 ** min(-shift, len(digits))) if shift < 0 else (number * int(10**shift), 0)
    if rest:
        raise _RowError(f"{mapping.energy} is {text!r}, which is no whole number of Wh")
    return whole


def _seconds(text: str, column: str) -> int:
    parts = text.strip().split(":")
    if len(parts) == 1:
        return _whole(text, column)
    if len(parts) != 3:
        raise _RowError(f"{column} is {text!r}, no duration h:mm:ss")
    hours, minutes, seconds = (_whole(part, column) for part in parts)
    if minutes > 59 or seconds > 59:
        raise _RowError(f"{column} is {text!r}, no duration h:mm:ss")
    return hours * 3600 + minutes * 60 + seconds


def _whole(text: str, column: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise _RowError(f"{column} is {text!r}, no whole number")
    return int(digits)
