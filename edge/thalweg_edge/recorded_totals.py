"""What devices did, summed by kind: the devices' own truth, to compare everything else with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from thalweg_edge.activities import Activity


@dataclass(frozen=True, slots=True)
class Total:
    """Events of one kind and the sum of their quantities, in the smallest step of the kind's unit."""

    events: int = 0
    quantity: int = 0


def add(totals: dict[str, Total], activities: Iterable[Activity]) -> None:
    """Adds the events of the activities to `totals`, by kind."""
    for activity in activities:
        for event in activity.events:
            so_far = totals.get(event.kind, Total())
            totals[event.kind] = Total(so_far.events + 1, so_far.quantity + event.quantity)


def sum_of(many: Iterable[Mapping[str, Total]]) -> dict[str, Total]:
    """The totals of several devices, by kind."""
    found: dict[str, Total] = {}
    for totals in many:
        for kind, total in totals.items():
            so_far = found.get(kind, Total())
            found[kind] = Total(so_far.events + total.events, so_far.quantity + total.quantity)
    return found
