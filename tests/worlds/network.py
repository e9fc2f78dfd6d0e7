"""Small networks of value, straight from their arrows: figures without devices, meters and terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thalweg.design import Design
from thalweg.design.exchanges import Medium
from thalweg.metrics import Evidence, Figures, NodeKey, figures_of
from thalweg.rating import Flow

#: (giver, receiver, medium) → (worth to the giver, worth to the receiver) in cents; for money, the amount twice
Arrows = Mapping[tuple[str, str, str], tuple[int, int]]
CENT = 10**6


def design_of(arrows: Arrows, **more: Any) -> Design:
    """A design that draws the arrows, as exchanges `giver-receiver-medium`; `more` goes to the top level."""
    nodes = sorted({node for arrow in arrows for node in arrow[:2]})
    return Design.model_validate(
        {
            "id": "network",
            "name": "Network",
            "currency": "EUR",
            "zone": "UTC",
            "nodes": [{"id": node, "name": node, "kind": "organisation"} for node in nodes],
            "drivers": [driver(nodes[:1], "-".join(next(iter(arrows))))],
            "meters": [{"id": "events", "name": "Events", "kind": "event", "unit": "count"}],
            "exchanges": [exchange(*arrow) for arrow in arrows],
            "extracts": [{"id": "all", "name": "All", "nodes": nodes, "exchanges": ["-".join(next(iter(arrows)))]}],
        }
        | more
    )


def exchange(source: str, target: str, medium: str, **more: Any) -> dict[str, Any]:
    """One exchange of the document."""
    name = f"{source}-{target}-{medium}"
    ends = {"id": name, "name": name, "from": source, "to": target, "object": medium, "medium": medium}
    return ends | {"meter": "events"} | more


def driver(owners: Sequence[str], watched: str, **more: Any) -> dict[str, Any]:
    """One driver of the document: from 0 to 10 occurrences unless `more` says otherwise."""
    indicator = {"exchange": watched, "figure": "occurrences"}
    ends = {"indicator": indicator, "baseline": "0", "target": "10"}
    return {"id": f"d-{owners[0]}", "name": "Driver", "owners": list(owners)} | ends | more


def flows_of(arrows: Arrows, occurrences: int = 1) -> list[Flow]:
    """One flow for each arrow, between participants of the roles' names."""
    return [
        Flow(
            exchange=f"{source}-{target}-{medium}",
            source_role=source,
            target_role=target,
            source=source,
            target=target,
            medium=Medium(medium),
            assignment_id=1,
            quantity=occurrences,
            occurrences=occurrences,
            v_from_atoms=v_from * CENT,
            v_to_atoms=v_to * CENT,
            needs=() if medium == "money" else tuple(sorted({(source, source), (target, target)})),
        )
        for (source, target, medium), (v_from, v_to) in arrows.items()
    ]


def figures(arrows: Arrows, evidence: Evidence | None = None, occurrences: int = 1, **more: Any) -> Figures:
    """The figures of one window in which every arrow flowed."""
    flows = flows_of(arrows, occurrences)
    return figures_of(design_of(arrows, **more), flows, NodeKey.ROLE, evidence=evidence)


def money(amounts: Mapping[tuple[str, str], int]) -> Arrows:
    """Arrows of money: (payer, payee) → cents."""
    return {(payer, payee, "money"): (cents, cents) for (payer, payee), cents in amounts.items()}


def worth(amounts: Mapping[tuple[str, str], int]) -> Arrows:
    """Arrows of services that cost nothing: (giver, receiver) → cents to the receiver."""
    return {(giver, receiver, "service"): (0, cents) for (giver, receiver), cents in amounts.items()}
