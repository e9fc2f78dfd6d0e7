"""Which meters were ever fed in an ecosystem, and which batches the rollups of each hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from thalweg.design import load
from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.meters import Meter
from thalweg.errors import MalformedMessage
from thalweg.mapping import Plan
from thalweg.wire.forms import decode
from thalweg_store.batches import StoredBatch
from thalweg_store.measuring import MeasuredEvent, measure

#: several meters look at a batch in turn
_decoded: Final = lru_cache(maxsize=2)(decode)


class FedMeter(NamedTuple):
    """A meter of any design of an ecosystem, and which batches its rollups hold."""

    number: int
    plan: Plan
    #: last design version that fed it; None while the design in force does
    fed_through: int | None

    def holds(self, batch: StoredBatch) -> bool:
        """Whether its rollups hold what it measures of a booked batch."""
        return self.fed_through is None or (batch.design or 0) <= self.fed_through


def number_meters(connection: Connection, names: Mapping[str, str]) -> dict[str, int]:
    """The numbers of meters by content hash (`names`: hash → name), registering those that are new."""
    for content_hash in sorted(names):
        connection.execute(_ENSURE_METER, {"hash": content_hash, "name": names[content_hash]})
    rows = connection.execute(_METER_NUMBERS, {"hashes": list(names)})
    return {row.hash: row.id for row in rows}


def fed_meters(connection: Connection, ecosystem: str) -> dict[str, FedMeter]:
    """Every meter that was ever fed in `ecosystem`, by content hash."""
    definitions: dict[str, Meter | ChargeMeter] = {}
    for (document,) in connection.execute(_DOCUMENTS, {"ecosystem": ecosystem}):
        definitions |= meters_to_feed(load(document))
    rows = connection.execute(_FED, {"ecosystem": ecosystem})
    return {row.hash: FedMeter(row.id, Plan((definitions[row.hash],)), row.fed_through) for row in rows}


def booked_events(batch: StoredBatch, plan: Plan) -> Iterator[MeasuredEvent]:
    """The booked events of a batch as `plan` measures them; those that it cannot measure are left out."""
    try:
        decoded = _decoded(batch.batch.payload)
    except MalformedMessage:
        return
    unbooked = batch.unbooked
    for event in measure(decoded, batch.batch.received_at, batch.offset_ms or 0, plan):
        if isinstance(event, MeasuredEvent) and not unbooked.overlap(event.seq, event.seq + 1):
            yield event


_ENSURE_METER = text("""
    insert into meter (hash, name) values (:hash, :name) on conflict (hash) do nothing
""")

_METER_NUMBERS = text("select id, hash from meter where hash = any(:hashes)")

_DOCUMENTS = text("select document from design where ecosystem = :ecosystem order by version")

_FED = text("""
    select m.hash, m.id, c.fed_through from meter_coverage c join meter m on m.id = c.meter
    where c.ecosystem = :ecosystem
""")
