"""What rollups cover: a figure is given for a time that they hold whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg.errors import OutsideCoverage
from thalweg_store.assignments import BEGINNING


@dataclass(frozen=True, slots=True)
class Covered:
    """From when on, and up to when, the rollups of one meter hold everything."""

    name: str
    #: BEGINNING: all of it
    start: datetime
    #: None while the design in force feeds it
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the rollups of an ecosystem cover."""

    #: by content hash: every meter that a design ever had
    meters: Mapping[str, Covered]

    def check(self, meters: Collection[str], start: datetime | None, end: datetime) -> None:
        """Raise OutsideCoverage unless the rollups of all `meters` (content hashes) hold [start, end) whole.

        `start` None stands for the beginning. A meter that no design feeds any more is covered until the one that left
        it out was put in force. Of several that do not, the one that is covered latest is named: who asks for a time
        that it covers is not refused for another's start.
        """
        late: list[OutsideCoverage] = []
        for covered in self._of(meters):
            is_early = covered.start > (BEGINNING if start is None else start)
            if is_early or (covered.end is not None and end > covered.end):
                late.append(OutsideCoverage(covered.name, _open(covered.start), covered.end))
        if late:
            raise max(late, key=lambda each: each.start or BEGINNING)

    def covered_from(self, meters: Collection[str]) -> datetime | None:
        """From when on the rollups of all `meters` (content hashes) hold everything; None from the beginning.

        Raises OutsideCoverage for a meter that no design ever had.
        """
        return _open(max((covered.start for covered in self._of(meters)), default=BEGINNING))

    def _of(self, meters: Collection[str]) -> list[Covered]:
        for unknown in sorted(set(meters) - self.meters.keys()):
            raise OutsideCoverage(unknown, None, BEGINNING)
        return [self.meters[each] for each in sorted(set(meters))]


def read_coverage(connection: Connection, ecosystem: str) -> Coverage:
    """What the rollups of `ecosystem` cover."""
    rows = connection.execute(_COVERAGE, {"ecosystem": ecosystem})
    return Coverage({row.hash: Covered(row.name, row.covers_from, row.fed_until) for row in rows})


def _open(moment: datetime) -> datetime | None:
    return None if moment == BEGINNING else moment


_COVERAGE = text("""
    select m.hash, m.name, greatest(c.covers_from, :beginning ::timestamptz) as covers_from, c.fed_until
    from meter_coverage c join meter m on m.id = c.meter
    where c.ecosystem = :ecosystem
""").bindparams(beginning=BEGINNING)
