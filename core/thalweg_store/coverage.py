"""What rollups cover: a figure is given for a time that they hold whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, text

from thalweg.errors import OutsideCoverage
from thalweg_store.assignments import BEGINNING


def check_coverage(
    connection: Connection, ecosystem: str, meters: Collection[str], start: datetime | None, end: datetime
) -> None:
    """Raise OutsideCoverage unless the rollups of all `meters` (content hashes) hold [start, end) whole.

    `start` None stands for the beginning. A meter that no design feeds any more is covered until the one that left it
    out was put in force. Of several that do not, the one that is covered latest is named: who asks for a time that it
    covers is not refused for another's start.
    """
    late: list[OutsideCoverage] = []
    for covered in _coverage(connection, ecosystem, meters):
        is_early = covered.covers_from > (BEGINNING if start is None else start)
        if is_early or (covered.fed_until is not None and end > covered.fed_until):
            late.append(OutsideCoverage(covered.name, _open(covered.covers_from), covered.fed_until))
    if late:
        raise max(late, key=lambda each: each.start or BEGINNING)


def covered_from(connection: Connection, ecosystem: str, meters: Collection[str]) -> datetime | None:
    """From when on the rollups of all `meters` (content hashes) hold everything; None from the beginning.

    Raises OutsideCoverage for a meter that no design ever had.
    """
    starts = [covered.covers_from for covered in _coverage(connection, ecosystem, meters)]
    return _open(max(starts, default=BEGINNING))


def _coverage(connection: Connection, ecosystem: str, meters: Collection[str]) -> list[Row[tuple[str, datetime]]]:
    if not meters:
        return []
    rows = connection.execute(_COVERAGE, {"ecosystem": ecosystem, "meters": sorted(meters)}).all()
    for unknown in sorted(set(meters) - {row.hash for row in rows}):
        raise OutsideCoverage(unknown, None, BEGINNING)
    return list(rows)


def _open(moment: datetime) -> datetime | None:
    return None if moment == BEGINNING else moment


_COVERAGE = text("""
    select m.hash, m.name, greatest(c.covers_from, :beginning ::timestamptz) as covers_from, c.fed_until
    from meter_coverage c join meter m on m.id = c.meter
    where c.ecosystem = :ecosystem and m.hash = any(:meters)
    order by m.hash
""").bindparams(beginning=BEGINNING)
