"""The store's numbers of flows: sums name a flow by one small integer in place of its meter, assignment and group."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, text

from thalweg_store.facts import FlowKey

#: beyond it, what is remembered is looked up again
_MOST_REMEMBERED: Final = 200_000


class FlowNumbers:
    """Numbers of flows, remembered from one transaction to the next.

    A number that a transaction gives is remembered once it is kept: call `keep` after the commit, `forget` after
    anything else, and when the store turns out to be another one.
    """

    def __init__(self) -> None:
        self._kept: dict[FlowKey, int] = {}
        self._new: dict[FlowKey, int] = {}

    def of(self, connection: Connection, flows: Iterable[FlowKey]) -> dict[FlowKey, int]:
        """The number of each flow, registering those that are new, in the order of their keys."""
        kept, new = self._kept, self._new
        wanted = set(flows)
        unknown = sorted(flow for flow in wanted if flow not in kept and flow not in new)
        if unknown:
            rows = [{"m": flow.meter, "a": flow.assignment, "g": flow.group} for flow in unknown]
            parameters = {"rows": json.dumps(rows)}
            connection.execute(_ENSURE, parameters)
            for row in connection.execute(_NUMBERS, parameters):
                new[FlowKey(row.meter, row.assignment, tuple(row.group))] = row.id
        return {flow: kept.get(flow) or new[flow] for flow in wanted}

    def keep(self) -> None:
        """The transaction was committed."""
        if len(self._kept) + len(self._new) > _MOST_REMEMBERED:
            self._kept = {}
        self._kept |= self._new
        self._new = {}

    def forget(self) -> None:
        """Nothing that is remembered can be relied on."""
        self._kept, self._new = {}, {}


_ENSURE = text("""
    insert into flow (meter, assignment, "group")
    select m, a, g from jsonb_to_recordset(:rows ::jsonb) as x (m int, a int, g text[])
    on conflict do nothing
""")

_NUMBERS = text("""
    select f.id, f.meter, f.assignment, f."group"
    from flow f join jsonb_to_recordset(:rows ::jsonb) as x (m int, a int, g text[])
      on f.meter = x.m and f.assignment = x.a and f."group" = x.g
""")
