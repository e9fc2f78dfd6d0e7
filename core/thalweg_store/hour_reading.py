"""What the database holds of an hour, as columns: its rollups, and what became of its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, text

from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.integer_columns import Integers, exact, joined
from thalweg_store.facts import Fate

QUARTERS: Final = 4


class RollupColumns(NamedTuple):
    """Rows of rollups. A flow may have several rows in a quarter hour, one for each revision."""

    flows: Integers
    #: numbers, see `thalweg.design.quarters`
    quarters: Integers
    quantities: Integers
    occurrences: Integers

    @classmethod
    def joined(cls, parts: Sequence[RollupColumns]) -> RollupColumns:
        """The rows of all."""
        return cls(*(joined(columns) for columns in zip(*parts, strict=True))) if parts else _NOTHING

    def within(self, first: int, end: int) -> RollupColumns:
        """Those of the quarter hours [first, end)."""
        rows = (self.quarters >= first) & (self.quarters < end)
        return RollupColumns(*(column[rows] for column in self))


class FateCount(NamedTuple):
    """How many events of a quarter hour one thing became of."""

    quarter: int
    ecosystem: str
    fate: Fate
    events: int


class HourRows(NamedTuple):
    """One hour, of all ecosystems."""

    rollups: RollupColumns
    fates: tuple[FateCount, ...]

    def __len__(self) -> int:
        return len(self.rollups.flows) + len(self.fates)


def first_quarter(moment: datetime) -> int:
    """The number of the first quarter hour that does not begin before `moment`."""
    quarter = quarter_of(moment)
    return quarter if beginning_of(quarter) == moment else quarter + 1


def read_hours(connection: Connection, hours: range) -> dict[int, HourRows]:
    """What consecutive hours hold."""
    first, end = hours.start * QUARTERS, hours.stop * QUARTERS
    rollups = {hour: [_NOTHING] for hour in hours}
    for quarter, rows in read_quarters(connection, first, end):
        rollups[quarter // QUARTERS].append(rows)
    fates: dict[int, list[FateCount]] = {hour: [] for hour in hours}
    for count in read_fates(connection, first, end):
        fates[count.quarter // QUARTERS].append(count)
    return {hour: HourRows(RollupColumns.joined(rollups[hour]), tuple(fates[hour])) for hour in hours}


def read_quarters(connection: Connection, first: int, end: int) -> Iterator[tuple[int, RollupColumns]]:
    """The rollups of the quarter hours [first, end), one after the other."""
    yield from _columns(connection.execute(_COLUMNS, {"start": beginning_of(first), "end": beginning_of(end)}))


def read_fates(connection: Connection, first: int, end: int) -> Iterator[FateCount]:
    """What became of the events of the quarter hours [first, end)."""
    for row in connection.execute(_FATES, {"start": beginning_of(first), "end": beginning_of(end)}):
        yield FateCount(row.quarter, row.ecosystem, Fate(row.outcome), int(row.events))


def read_panes(connection: Connection, since: datetime) -> RollupColumns:
    """What was committed since then, by quarter hours of commit."""
    return RollupColumns.joined([rows for _, rows in _columns(connection.execute(_PANES, {"since": since}))])


def _columns(found: Iterable[Row[Any]]) -> Iterator[tuple[int, RollupColumns]]:
    for row in found:
        flows, quantities, occurrences = (
            exact(list(map(int, each.split(",")))) for each in (row.flows, row.quantities, row.occurrences)
        )
        yield row.quarter, RollupColumns(flows, np.full(len(flows), row.quarter), quantities, occurrences)


_NOTHING: Final = RollupColumns(*(np.zeros(0, np.int64) for _ in RollupColumns._fields))

# as texts: the driver makes an object of each number of an array, which takes longer than the query
_COLUMNS = text("""
    select floor(extract(epoch from bucket) / 900)::int as quarter, string_agg(flow::text, ',') as flows,
           string_agg(quantity::text, ',') as quantities, string_agg(occurrences::text, ',') as occurrences
    from rollup where bucket >= :start and bucket < :end
    group by bucket
""")

_FATES = text("""
    select floor(extract(epoch from t.bucket) / 900)::int as quarter, d.ecosystem, t.outcome, sum(t.events) as events
    from tally t join device d on d.id = t.device
    where t.bucket >= :start and t.bucket < :end
    group by t.bucket, d.ecosystem, t.outcome
""")

_PANES = text("""
    select quarter, string_agg(flow::text, ',') as flows,
           string_agg(q::text, ',') as quantities, string_agg(n::text, ',') as occurrences
    from (
        select flow, floor(extract(epoch from minute) / 900)::int as quarter, sum(quantity) as q, sum(occurrences) as n
        from pane where minute >= :since group by 1, 2
    ) as p
    group by quarter
""")
