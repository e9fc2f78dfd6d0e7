"""What-if over a long history of rollups, made in memory: five million rows under two designs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from thalweg.counterfactual import Side, compare
from thalweg.design import from_document
from thalweg.design.meters import Meter
from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.plan import DesignPlan, compile_design
from thalweg.quantities import Quantities, Source
from thalweg_app.bench.fastest import fastest
from thalweg_app.bench.figures import Figure, Yardstick

#: of which none is empty
ROWS: Final = 5_000_000
MAX_SECONDS: Final = 2
_DEVICES: Final = 100
_PROVIDERS: Final = ("volt-pass", "e-roamer", "greenmile")
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
#: what the fee of the other design costs instead of a price per kWh: it changes by the hour, the weekday and in March
_NEW_FEES: Final[list[dict[str, Any]]] = [
    {
        "id": f"fee-{season}",
        "on": "charging-fee",
        "unit_price": {
            "time_of_use": [
                {"days": ["sat", "sun"], "price": "0.35"},
                {"from": "07:00", "until": "21:00", "price": by_day},
                {"price": "0.30"},
            ]
        },
        **dates,
    }
    for season, by_day, dates in (
        ("winter", "0.52", {"valid_until": "2026-03-01"}),
        ("summer", "0.49", {"valid_from": "2026-03-01"}),
    )
]


def what_if() -> Figure:
    """Old, new and delta of every participant."""
    document = parse(text("ev-charging"))
    old = compile_design(from_document(document))
    document["tariffs"] = [*_NEW_FEES, *document["tariffs"][1:]]
    new = compile_design(from_document(document))
    rows = _rows(old)
    quarters = beginning_of(int(rows.quarters.min())), beginning_of(int(rows.quarters.max()) + 1)
    assignments = {device: {"host": f"host-{device % 90:02}"} for device in range(_DEVICES)}
    nothing = Quantities.of(())

    def compared() -> Mapping[str, object]:
        found = compare(Side(old, rows, nothing), Side(new, rows, nothing), assignments, quarters, {})
        return {node: (found.old.account(node), found.new.account(node)) for node in found.old.accounts}

    return Figure(
        name=f"what-if over {ROWS / 1e6:g} M rollup rows, in memory",
        value=fastest(compared),
        unit="s",
        bar=MAX_SECONDS,
        better="lower",
        yardstick=Yardstick("adding up both columns", fastest(lambda: (rows.quantities.sum(), rows.occurrences.sum()))),
    )


def _rows(plan: DesignPlan) -> Quantities:
    """Successive quarter hours, in each of them every device, provider and meter."""
    sources = [
        Source(content_hash, device, group)
        for content_hash, meter in plan.meters.items()
        if isinstance(meter, Meter)
        for device in range(_DEVICES)
        for group in ([(name,) for name in _PROVIDERS] if meter.group_by else [()])
    ]
    numbers = np.arange(ROWS)
    return Quantities(
        tuple(sources),
        numbers % len(sources),
        quarter_of(_START) + numbers // len(sources),
        1_000 + numbers % 977,
        1 + numbers % 3,
    )
