"""Sums: rollups by quarter hour, panes of the last hours, tallies of what became of events.

Rows are written in the order of their keys, so that several gateways never wait for each other in a circle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from thalweg_store.closing import Closures
from thalweg_store.facts import FlowKey, RollupKey, TallyKey, Total

PANE_HOURS: Final = 2


def add_rollups(connection: Connection, rollups: Mapping[RollupKey, Total], closures: Closures) -> None:
    """Add to the rollups; what lies in a closed period goes to its next revision."""
    _upsert(
        connection,
        _ADD_ROLLUPS,
        [
            {"b": key.bucket.isoformat(), "m": key.flow.meter, "a": key.flow.assignment, "g": key.flow.group,
             "r": closures.revision_at(key.bucket), "q": total.quantity, "n": total.occurrences}
            for key, total in sorted(rollups.items(), key=lambda item: item[0])
            if total.quantity or total.occurrences
        ],
    )  # fmt: skip


def add_panes(connection: Connection, panes: Mapping[FlowKey, Total], minute: datetime) -> None:
    """Add to the pane of `minute`, and forget those that are older than two hours."""
    if panes:
        connection.execute(_PRUNE_PANES, {"before": minute - timedelta(hours=PANE_HOURS)})
    _upsert(
        connection,
        _ADD_PANES,
        [
            {"b": minute.isoformat(), "m": flow.meter, "a": flow.assignment, "g": flow.group,
             "q": total.quantity, "n": total.occurrences}
            for flow, total in sorted(panes.items())
        ],
    )  # fmt: skip


def add_tallies(connection: Connection, tallies: Mapping[TallyKey, Total]) -> None:
    """Add to what is known of the events' fates."""
    _upsert(
        connection,
        _ADD_TALLIES,
        [
            {"d": key.device, "b": key.bucket.isoformat(), "k": key.kind, "o": key.fate.value,
             "q": total.quantity, "n": total.occurrences}
            for key, total in sorted(tallies.items())
            if total.quantity or total.occurrences
        ],
    )  # fmt: skip


def _upsert(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, {"rows": json.dumps(rows)})


_ADD_ROLLUPS = text("""
    insert into rollup as r (meter, bucket, assignment, "group", revision, quantity, occurrences)
    select m, b, a, g, r, q, n
    from jsonb_to_recordset(:rows ::jsonb)
        as x (m int, b timestamptz, a int, g text[], r smallint, q numeric, n bigint)
    on conflict (meter, bucket, assignment, "group", revision) do update
    set quantity = r.quantity + excluded.quantity, occurrences = r.occurrences + excluded.occurrences
""")

_ADD_PANES = text("""
    insert into pane as p (meter, minute, assignment, "group", quantity, occurrences)
    select m, b, a, g, q, n
    from jsonb_to_recordset(:rows ::jsonb) as x (m int, b timestamptz, a int, g text[], q numeric, n bigint)
    on conflict (minute, meter, assignment, "group") do update
    set quantity = p.quantity + excluded.quantity, occurrences = p.occurrences + excluded.occurrences
""")

_PRUNE_PANES = text("delete from pane where minute < :before")

_ADD_TALLIES = text("""
    insert into tally as t (device, bucket, kind, outcome, events, quantity)
    select d, b, k, o, n, q
    from jsonb_to_recordset(:rows ::jsonb) as x (d int, b timestamptz, k text, o text, q numeric, n bigint)
    on conflict (device, bucket, kind, outcome) do update
    set events = t.events + excluded.events, quantity = t.quantity + excluded.quantity
""")
