"""From lines and bytes to records: a row of a CSV file, or what a JSON payload says, with its numbers exact."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

from thalweg.errors import MalformedMessage, ProfileError, UnreadableRecord
from thalweg.profiles import senml, sparkplug
from thalweg.profiles.document import CsvOptions, Format
from thalweg.wire.json_object import check_depth, check_values

_TOO_MANY: Final = ""
_MAX_DIGITS: Final = 40


class Row(NamedTuple):
    """One row of a CSV file."""

    #: the first row below the heading is 1
    number: int
    #: column → text
    cells: dict[str, str]
    #: why it is no record; None for a row that has the heading's form
    problem: str | None = None

    @property
    def payload(self) -> bytes:
        """The row as an object in JSON: what is kept of it where it is rejected."""
        return json.dumps(self.cells, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def rows(lines: Iterable[str], options: CsvOptions, columns: Iterable[str]) -> Iterator[Row]:
    """The rows of a CSV file with a heading; raises ProfileError when it lacks one of `columns`, or is no CSV file."""
    reader = csv.DictReader(lines, delimiter=options.delimiter, restkey=_TOO_MANY, strict=True)
    number = 0
    try:
        heading = reader.fieldnames or []
        if missing := [column for column in columns if column not in heading]:
            raise ProfileError(
                f"the file has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, heading))}: "
                "is it a file for this profile, and the delimiter right?"
            )
        for number, cells in enumerate(reader, start=1):
            problem = None
            if _TOO_MANY in cells:
                problem = "it has more cells than the heading"
            elif None in cells.values():
                problem = "it has fewer cells than the heading"
            yield Row(number, _texts(cells), problem)
    except csv.Error as error:
        raise ProfileError(f"the file is no CSV file behind row {number}: {error}") from None


def _texts(cells: dict[str, Any]) -> dict[str, str]:
    return {column: value if isinstance(value, str) else " ".join(value or []) for column, value in cells.items()}


def payload_of(raw: bytes, form: Format) -> object:
    """What a payload says, numbers with a fraction as Decimal; raises UnreadableRecord."""
    if form is Format.SPARKPLUG:
        return sparkplug.decoded(raw)
    try:
        words = raw.decode()
        check_depth(words)
        said: object = _DECODER.decode(words)
        check_values(said)
    except (ValueError, MalformedMessage) as error:
        raise UnreadableRecord("malformed", f"the payload is no JSON: {error}") from None
    return senml.resolved(said) if form is Format.SENML else said


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_DIGITS else Decimal(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_int=_integer, parse_constant=_constant)
