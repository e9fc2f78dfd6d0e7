"""The overview as CSV: what the page shows, in the same state, with nothing left out."""

from __future__ import annotations

from typing import Final

from thalweg_api.csv_tables import Table, csv_of
from thalweg_api.schemas import Overview

_STATE: Final = ("as_of_commit", "as_of", "window", "start", "end", "view")
_FLOWS: Final = (
    "exchange", "from", "to", "medium", "object", "worth", "quantity", "unit", "occurrences",
    "exchange_id", "from_id", "to_id",
)  # fmt: skip
_SHARES: Final = ("participant", "exact", "settled", "percent", "participant_id")


def overview_csv(overview: Overview) -> str:
    """Three tables: the state, the flows, the shares. Names first, ids in the last columns.

    With a view, only flows of that participant; shares are always complete, since they sum to the gross.
    """
    as_of, window = overview.as_of, overview.window
    names = {node.id: node.name for node in overview.nodes}
    return csv_of(
        Table(_STATE, [(as_of.commit, as_of.at, window.name, window.start, window.end, overview.view)]),
        Table(
            _FLOWS,
            [
                (
                    flow.name, names[flow.source], names[flow.target], flow.medium, flow.object,
                    flow.worth, flow.quantity, flow.unit, flow.occurrences,
                    flow.exchange, flow.source, flow.target,
                )
                for flow in overview.flows
                if overview.view in (None, flow.source, flow.target)
            ],
        ),
        Table(
            _SHARES,
            [
                (share.name, share.exact, share.settled, share.share.value, share.participant)
                for share in overview.shares
            ],
        ),
    )  # fmt: skip
