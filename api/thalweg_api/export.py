"""The overview as CSV: what the page shows, in the same state, with nothing left out."""

from __future__ import annotations

import csv
import io

from thalweg_api.schemas import Overview

_FLOW_COLUMNS = ("exchange", "name", "from", "to", "medium", "object", "worth", "quantity", "unit", "occurrences")
_SHARE_COLUMNS = ("participant", "name", "exact", "settled", "percent")


def overview_csv(overview: Overview) -> str:
    """Three tables behind one another, each with its head: the state, the flows, the shares.

    With a view, only flows of that participant; shares are always complete, since they sum to the gross.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    window = overview.window
    table.writerow(("as_of_commit", "as_of", "window", "start", "end", "view"))
    table.writerow((overview.as_of.commit, overview.as_of.at, window.name, window.start, window.end, overview.view))
    table.writerow(())
    table.writerow(_FLOW_COLUMNS)
    for flow in overview.flows:
        if overview.view in (None, flow.source, flow.target):
            table.writerow(
                (
                    flow.exchange, _text(flow.name), flow.source, flow.target, flow.medium, _text(flow.object),
                    format(flow.worth, "f"), format(flow.quantity, "f"), flow.unit, flow.occurrences,
                )
            )  # fmt: skip
    table.writerow(())
    table.writerow(_SHARE_COLUMNS)
    for share in overview.shares:
        percent = "" if share.share.value is None else format(share.share.value, "f")
        row = (share.participant, _text(share.name), format(share.exact, "f"), format(share.settled, "f"), percent)
        table.writerow(row)
    return out.getvalue()


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" else value
