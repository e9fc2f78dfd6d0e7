"""CSV as the API writes it: tables behind one another, each with its head, and an empty line between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

#: what begins a formula
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Table(NamedTuple):
    """One table; numbers and times are written so that they can be read again, texts so that they stay texts."""

    head: Sequence[str]
    rows: Iterable[Sequence[object]]


def csv_of(*tables: Table) -> str:
    """The tables as one text, with lines that end as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for number, table in enumerate(tables):
        if number:
            writer.writerow(())
        writer.writerow(table.head)
        writer.writerows(map(_cell, row) for row in table.rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """A decimal without exponent, a text that no spreadsheet takes for a formula; nothing for None."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
