"""The roaming session of the example design, with declared chains: one session of 10 kWh and one occupancy report."""

from __future__ import annotations

import copy
from typing import Any

from thalweg.design import Design, from_document
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.mapping import compile_plan
from thalweg.rating import Flow, Quantity, rate

ROAMING = {
    "id": "roaming",
    "name": "A session of a roaming customer",
    "trigger": "sessions",
    "exchanges": ["charging-service", "clearing", "charge-point-use", "electricity", "site"],
}
OTHERS = [
    {"id": "records", "name": "Session records", "trigger": "sessions", "exchanges": ["session-data"]},
    {"id": "kerbs", "name": "Kerb data", "trigger": "occupancy", "exchanges": ["occupancy-data", "kerb-benefit"]},
]
#: without provider and hub, a session by card would have been worth 2.90
BY_CARD = {"id": "by-card", "name": "Paid by card", "nodes": ["driver", "cpo", "energy", "host"], "fallback": "2.90"}
ASSIGNMENTS = {7: {"host": "mall-42"}}


def document(**changes: Any) -> dict[str, Any]:
    """The example with its chains declared, and with `changes` at the top level."""
    return copy.deepcopy(parse(text("ev-charging")) | {"chains": [ROAMING, *OTHERS]} | changes)


def whole_document() -> dict[str, Any]:
    """The example with chains, an alternative, costs, a scenario, and an indicator that is a ratio."""
    found = document(chains=[ROAMING | {"alternatives": [BY_CARD]}, *OTHERS])
    found["nodes"][3]["costs"] = [
        {"name": "Wear", "amount": "0.01", "meter": "energy"},
        {"name": "Rent", "amount": "300", "per": "month"},
    ]
    figures = [{"exchange": "site", "figure": figure} for figure in ("given", "occurrences")]
    found["drivers"][4] |= {"indicator": {"ratio": figures}, "per": "month"}
    found["exchanges"][3]["expected"] = {"occurrences": "600", "per": "month"}
    return found


def with_fallback() -> Design:
    """The design in which a session can be paid by card instead."""
    return from_document(document(chains=[ROAMING | {"alternatives": [BY_CARD]}, *OTHERS]))


def session(design: Design, sessions: int = 1, payer: str = "greenmile", assignment: int = 7) -> list[Quantity]:
    """The quantities of sessions of 10 kWh, each with one occupancy report."""
    hashes = {meter.id: meter.hash for meter in compile_plan(design).meters}
    return [
        Quantity(hashes["energy"], assignment, (payer,), 10_000 * sessions, sessions),
        Quantity(hashes["sessions"], assignment, (payer,), sessions, sessions),
        Quantity(hashes["occupancy"], assignment, (), sessions, sessions),
    ]


def flows(design: Design, sessions: int = 1) -> tuple[Flow, ...]:
    """What flows in such sessions."""
    return rate(design, session(design, sessions), ASSIGNMENTS)
