"""What the store holds, read with plain SQL: a judge uses as little of what it judges as it can."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from thalweg.wire.batch import digest
from thalweg_app.chaos.truth import Flow, Identity, Tally


class BootRow(NamedTuple):
    """One boot's received ranges."""

    next_seq: int
    received: int
    lost: int
    numbered: int
    #: seqs in its sets beyond a gap
    beyond: int


class Stored:
    """A database at rest."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def batches(self) -> dict[str, list[Identity]]:
        """Outcome → every batch, told by the bytes that are stored and not by what is said of them."""
        outcomes: dict[str, list[Identity]] = {}
        for name, boot, first_seq, outcome, payload in self._rows(
            "select d.name, b.boot, b.first_seq, b.outcome, b.payload from batch b join device d on d.id = b.device"
        ):
            outcomes.setdefault(outcome, []).append(Identity(name, boot, first_seq, digest(bytes(payload)).hex()))
        return outcomes

    def number_of(self, digests: list[str]) -> int:
        """How many of these batches are stored, whatever became of them; digests in hex."""
        [(number,)] = self._rows("select count(*) from batch where encode(digest, 'hex') = any(%s)", digests)
        return int(number)

    def boots(self) -> dict[tuple[str, int], BootRow]:
        """(device, boot) → its ranges."""
        return {
            (name, boot): BootRow(*row)
            for name, boot, *row in self._rows("""
                select d.name, b.boot, b.next_seq, b.received, b.lost, b.numbered,
                       (select coalesce(sum(upper(part) - lower(part)), 0)::bigint
                        from received r, unnest(r.ranges) part where r.device = b.device and r.boot = b.boot)
                from boot b join device d on d.id = b.device
            """)
        }

    def flows(self) -> tuple[Counter[Flow], Counter[Flow]]:
        """Quantities and occurrences of the rollups, over all revisions."""
        quantities: Counter[Flow] = Counter()
        occurrences: Counter[Flow] = Counter()
        for meter, device, bucket, group, quantity, number in self._rows("""
            select m.name, d.name, extract(epoch from r.bucket)::bigint * 1000, f."group", r.quantity, r.occurrences
            from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter
                          join assignment a on a.id = f.assignment join device d on d.id = a.device
        """):
            flow = Flow(meter, device, bucket, tuple(group))
            quantities[flow] += int(quantity)
            occurrences[flow] += number
        return quantities, occurrences

    def tallies(self) -> tuple[Counter[Tally], Counter[Tally]]:
        """Events, and their quantities."""
        events: Counter[Tally] = Counter()
        quantities: Counter[Tally] = Counter()
        for device, bucket, kind, fate, number, quantity in self._rows("""
            select d.name, extract(epoch from t.bucket)::bigint * 1000, t.kind, t.outcome, t.events, t.quantity
            from tally t join device d on d.id = t.device
        """):
            events[Tally(device, bucket, kind, fate)] += number
            quantities[Tally(device, bucket, kind, fate)] += int(quantity)
        return events, quantities

    def rejections(self) -> Counter[str]:
        """Reason → messages and events."""
        return Counter(dict(self._rows("select reason, sum(count)::bigint from rejection group by reason")))

    def frozen(self, start: datetime, end: datetime) -> list[tuple[Any, ...]] | None:
        """The sums of a closed period as of its close; None when it is not closed."""
        [(closes,)] = self._rows('select count(*) from closed_period where start = %s and "end" = %s', start, end)
        if not closes:
            return None
        return self._rows(
            "select flow, bucket, quantity, occurrences from rollup "
            "where revision = 0 and bucket >= %s and bucket < %s order by 1, 2",
            start,
            end,
        )

    def _rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode(), parameters).fetchall()
