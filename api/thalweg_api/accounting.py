"""What became of every event, and the money that follows: for checks, audits and the demo's verdict."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from thalweg.design.meters import meter_hash
from thalweg_api import schemas
from thalweg_api.figures import facts_from
from thalweg_api.overview import as_of, money_gains
from thalweg_api.plans import meters_of
from thalweg_store.database import Database
from thalweg_store.facts import Fate
from thalweg_store.reading import reading


def accounting_of(database: Database, ecosystem: str, now: datetime) -> schemas.Accounting:
    """The accounting of `ecosystem` since the beginning; raises UnknownEcosystem."""
    with reading(database, ecosystem) as store:
        facts = facts_from(store, schemas.WindowName.ALL, now)
        completeness = store.completeness()
        fates = store.fates(None, facts.span.end)
        measured = store.quantities(facts.span.start, facts.span.end, meters=meters_of(facts.ecosystem.design_document))
    names = {meter_hash(meter): meter.id for meter in facts.design.meters}
    quantities: Counter[str] = Counter()
    for quantity in measured:
        if quantity.meter_hash in names:
            quantities[names[quantity.meter_hash]] += quantity.quantity
    gains = money_gains(facts.figures)
    return schemas.Accounting(
        as_of=as_of(facts),
        recorded=completeness.numbered,
        committed=completeness.received,
        mapped=fates[Fate.MAPPED],
        unmapped=fates[Fate.UNMAPPED],
        parked=fates[Fate.PARKED],
        rejected=fates[Fate.REJECTED],
        undecodable=fates[Fate.UNDECODABLE],
        gaps=completeness.gaps,
        duplicates=completeness.duplicates,
        conflicts=completeness.conflicts,
        measured_since=facts.span.start,
        quantities=dict(quantities),
        currency=facts.design.currency,
        gross=facts.money(facts.figures.gross),
        shares={participant: facts.money(gains[participant]) for participant in sorted(gains)},
    )
