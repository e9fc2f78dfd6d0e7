"""What rollups cover: a figure is given for a time that they hold whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg.errors import OutsideCoverage
from thalweg_store.assignments import BEGINNING


def check_coverage(
    connection: Connection, ecosystem: str, meters: Collection[str], start: datetime | None, end: datetime
) -> None:
    """Raise OutsideCoverage unless the rollups of all `meters` (content hashes) hold [start, end) whole.

    `start` None stands for the beginning. A meter that no design feeds any more is covered until the one that left it
    out was put in force.
    """
    if not meters:
        return
    rows = connection.execute(_COVERAGE, {"ecosystem": ecosystem, "meters": sorted(meters)})
    found = {row.hash: row for row in rows}
    for meter in sorted(meters):
        covered = found.get(meter)
        if covered is None:
            raise OutsideCoverage(meter, None, BEGINNING)
        is_early = covered.covers_from > (BEGINNING if start is None else start)
        if is_early or (covered.fed_until is not None and end > covered.fed_until):
            first = None if covered.covers_from == BEGINNING else covered.covers_from
            raise OutsideCoverage(covered.name, first, covered.fed_until)


_COVERAGE = text("""
    select m.hash, m.name, greatest(c.covers_from, :beginning ::timestamptz) as covers_from, c.fed_until
    from meter_coverage c join meter m on m.id = c.meter
    where c.ecosystem = :ecosystem and m.hash = any(:meters)
""").bindparams(beginning=BEGINNING)
