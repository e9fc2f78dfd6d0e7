"""What is closed, and what a closed period holds: as it was frozen each time, and what came since."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from thalweg.design import load
from thalweg.design.meters import Meter, meter_hash
from thalweg.errors import StoreError
from thalweg.quantities import Quantities
from thalweg_store.closing import ClosedPeriod, read_closures
from thalweg_store.database import Database
from thalweg_store.reading import reading


class Metered(NamedTuple):
    """What one meter measured in a closed period, in the smallest step of its unit."""

    meter: Meter
    #: what each close froze, the first one first; a second close adds what came between the two
    frozen: tuple[int, ...]
    #: what came after the last close
    since: int


def closed_periods(database: Database, ecosystem: str) -> list[ClosedPeriod]:
    """Every close, by period and then in its order; raises UnknownEcosystem, also before the first activation."""
    with database.snapshot() as connection:
        closures = read_closures(connection, ecosystem)
    with reading(database, ecosystem) as facts:
        facts.ecosystem()
    return list(closures)


def metered(database: Database, ecosystem: str, start: datetime, end: datetime) -> list[Metered]:
    """What the meters of the design in force measured in the closed period [start, end).

    Raises StoreError for a period that is not closed, UnknownEcosystem, and OutsideCoverage.
    """
    closes = [each for each in closed_periods(database, ecosystem) if (each.start, each.end) == (start, end)]
    if not closes:
        raise StoreError(f"{start} to {end} is not closed: `thalweg periods list` prints the periods that are")
    with reading(database, ecosystem) as facts:
        meters = {meter_hash(meter): meter for meter in load(facts.ecosystem().design_document).meters}
        totals = [
            _by_meter(facts.quantities(start, end, meters=meters, as_of_revision=revision))
            for revision in (*range(len(closes)), None)
        ]
    found = []
    for digest, meter in meters.items():
        came = [after - before for before, after in pairwise([0, *(total[digest] for total in totals)])]
        found.append(Metered(meter, tuple(came[:-1]), came[-1]))
    return found


def _by_meter(quantities: Quantities) -> Counter[str]:
    sums: Counter[str] = Counter()
    for each in quantities:
        sums[each.meter_hash] += each.quantity
    return sums
