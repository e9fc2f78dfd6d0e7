"""What a store holds after a replay: what became of every record, what was measured, who gets what."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from thalweg.design import Design, content_hash
from thalweg.design.meters import meter_hash
from thalweg.metrics import figures_of
from thalweg.money import format_atoms
from thalweg.plan import compile_design
from thalweg.rating import rate
from thalweg_store.database import Database
from thalweg_store.facts import QUARTER, Fate, quarter_hour
from thalweg_store.foreign import count_unreadable, measured_period
from thalweg_store.reading import reading
from thalweg_store.rejected import list_rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything but times of this machine, so that the same facts under the same terms give the same hash."""

    #: mapped + unmapped + rejected
    received: int
    mapped: int
    unmapped: int
    rejected: int
    #: rejected records by reason
    reasons: dict[str, int]
    #: meter → sum, in the smallest step of its unit
    quantities: dict[str, int]
    currency: str
    #: paid by final payers
    gross: str
    #: participant → what it keeps of that; only those who keep something
    shares: dict[str, str]
    #: quarter hours, half-open, of the first and the last event; None without any
    period: dict[str, str] | None
    #: content hashes of the terms and of the rules
    design: str
    profile: str
    result_hash: str = ""


def read_result(database: Database, design: Design, profile: str) -> Result:
    """The result for the ecosystem of `design`; `profile` is the content hash of the last one."""
    end = quarter_hour(datetime.now(UTC)) + QUARTER
    plan = compile_design(design)
    names = {meter_hash(meter): meter.id for meter in design.meters}
    with reading(database, design.id) as store:
        measured = store.quantities(None, end, meters=plan.meters, by_bucket=plan.needs_buckets)
        assignments = store.assignments()
        fates = store.fates(None, end)
    figures = figures_of(design, rate(plan, measured, assignments))
    quantities: Counter[str] = Counter(dict.fromkeys(names.values(), 0))
    for each in measured:
        if each.meter_hash in names:
            quantities[names[each.meter_hash]] += each.quantity
    reasons: Counter[str] = Counter()
    for row in list_rejected(database, design.id):
        reasons[row.key.reason] += row.count
    unreadable = count_unreadable(database, design.id)
    period = measured_period(database, design.id)
    result = Result(
        received=sum(fates.values()) + unreadable,
        mapped=fates[Fate.MAPPED],
        unmapped=fates[Fate.UNMAPPED],
        rejected=fates[Fate.REJECTED] + unreadable,
        reasons=dict(sorted((+reasons).items())),
        quantities=dict(quantities),
        currency=design.currency,
        gross=format_atoms(figures.gross, design.currency),
        shares={
            node: format_atoms(account.net_cash, design.currency)
            for node, account in sorted(figures.accounts.items())
            if account.net_cash > 0
        },
        period=None if period is None else {"start": period[0].isoformat(), "end": period[1].isoformat()},
        design=content_hash(design),
        profile=profile,
    )
    return _hashed(result)


def _hashed(result: Result) -> Result:
    content = asdict(result)
    del content["result_hash"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Result(**content, result_hash=hashlib.sha256(canonical.encode()).hexdigest())
