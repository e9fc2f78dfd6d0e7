"""Sums: rollups by quarter hour, panes of the last hours, tallies of what became of events.

Rows are written in the order of their keys, so that several gateways never wait for each other in a circle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from thalweg.design.quarters import quarter_of
from thalweg_store.arrays import int_array
from thalweg_store.closing import Closures
from thalweg_store.facts import FlowKey, RollupKey, TallyKey, Total
from thalweg_store.flows import FlowNumbers

PANE_HOURS: Final = 2


def add_rollups(
    connection: Connection, rollups: Mapping[RollupKey, Total], closures: Closures, flows: FlowNumbers
) -> None:
    """Add to the rollups; what lies in a closed period goes to its next revision."""
    if not rollups:
        return
    numbers = flows.of(connection, {flow for _, flow in rollups})
    places = {bucket: (quarter_of(bucket), closures.revision_at(bucket)) for bucket in {key.bucket for key in rollups}}
    rows = sorted(
        [
            (numbers[flow], *places[bucket], total.quantity, total.occurrences)
            for (bucket, flow), total in rollups.items()
            if total.quantity or total.occurrences
        ]
    )
    if not rows:
        return
    names = ("flows", "quarters", "revisions", "quantities", "occurrences")
    columns = dict(zip(names, map(int_array, zip(*rows, strict=True)), strict=True))
    hours = int_array(sorted({quarter // 4 for quarter, _ in places.values()}))
    connection.execute(_ADD_ROLLUPS, columns | {"hours": hours})


def add_panes(connection: Connection, panes: Mapping[FlowKey, Total], minute: datetime, flows: FlowNumbers) -> None:
    """Add to the pane of `minute`, and forget those that are older than two hours."""
    if not panes:
        return
    connection.execute(_PRUNE_PANES, {"before": minute - timedelta(hours=PANE_HOURS)})
    numbers = flows.of(connection, panes)
    rows = sorted([(numbers[flow], total.quantity, total.occurrences) for flow, total in panes.items()])
    columns = dict(zip(("flows", "quantities", "occurrences"), map(int_array, zip(*rows, strict=True)), strict=True))
    connection.execute(_ADD_PANES, columns | {"minute": minute})


def add_tallies(connection: Connection, tallies: Mapping[TallyKey, Total]) -> None:
    """Add to what is known of the events' fates."""
    rows = [
        {"d": key.device, "b": quarter_of(key.bucket), "k": key.kind, "o": key.fate.value,
         "q": total.quantity, "n": total.occurrences}
        for key, total in sorted(tallies.items())
        if total.quantity or total.occurrences
    ]  # fmt: skip
    if rows:
        connection.execute(_ADD_TALLIES, {"rows": json.dumps(rows)})


#: readers remember rollups and tallies by the hour (`remembered_hours`): whoever changes some notes it in the same
#: transaction, for both but once
NOTE_CHANGES: Final = """
    insert into rollup_change as c (hour, writer, xact)
    select hour, pg_backend_pid(), pg_current_xact_id()::text::bigint from ({hours}) as h (hour)
    on conflict (hour, writer) do update set xact = excluded.xact where c.xact <> excluded.xact
"""

_ADD_ROLLUPS = text(
    """
    with noted as ({noted})
    insert into rollup as r (flow, bucket, revision, quantity, occurrences)
    select f, to_timestamp(b * 900), v, q, n
    from unnest(:flows ::int[], :quarters ::int[], :revisions ::smallint[], :quantities ::numeric[],
                :occurrences ::bigint[]) as x (f, b, v, q, n)
    on conflict (flow, bucket, revision) do update
    set quantity = r.quantity + excluded.quantity, occurrences = r.occurrences + excluded.occurrences
    """.replace("{noted}", NOTE_CHANGES.replace("{hours}", "select unnest(:hours ::int[])"))
)

_ADD_PANES = text("""
    insert into pane as p (minute, flow, quantity, occurrences)
    select :minute, f, q, n
    from unnest(:flows ::int[], :quantities ::numeric[], :occurrences ::bigint[]) as x (f, q, n)
    on conflict (minute, flow) do update
    set quantity = p.quantity + excluded.quantity, occurrences = p.occurrences + excluded.occurrences
""")

_PRUNE_PANES = text("delete from pane where minute < :before")

_ADD_TALLIES = text(
    """
    with noted as ({noted})
    insert into tally as t (device, bucket, kind, outcome, events, quantity)
    select d, to_timestamp(b * 900), k, o, n, q
    from jsonb_to_recordset(:rows ::jsonb) as x (d int, b int, k text, o text, q numeric, n bigint)
    on conflict (device, bucket, kind, outcome) do update
    set events = t.events + excluded.events, quantity = t.quantity + excluded.quantity
    """.replace(
        "{noted}",
        NOTE_CHANGES.replace("{hours}", "select distinct b / 4 from jsonb_to_recordset(:rows ::jsonb) as x (b int)"),
    )
)
