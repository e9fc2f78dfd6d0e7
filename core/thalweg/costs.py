"""What nodes spend on what no exchange shows: their declared costs over a window, exact, rounded to atoms once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from thalweg.design.document import Design
from thalweg.design.fields import exact
from thalweg.design.meters import Meter, meter_hash
from thalweg.design.nodes import Cost, Node
from thalweg.design.periods import periods_in
from thalweg.design.roles import SUSPENSE, participant_of
from thalweg.money import atoms_per_major_unit
from thalweg.quantities import Quantity
from thalweg.rating_lines import Assignments
from thalweg.units import unit


class NodeCost(NamedTuple):
    """What one participant spent in one role."""

    role: str
    participant: str
    atoms: int


def node_costs(
    design: Design, quantities: Iterable[Quantity], assignments: Assignments, window: tuple[datetime, datetime]
) -> tuple[NodeCost, ...]:
    """The costs of all nodes over the half-open `window`, by role and participant.

    A cost per unit is borne by whoever filled the role when it was measured. A cost per period is borne by each
    participant that fills the role in `assignments` or in the groups of `quantities`.
    """
    counted = list(quantities)
    spent: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    meters = {meter.id: meter for meter in design.meters}
    for node in design.nodes:
        for cost in node.costs:
            if cost.meter is not None:
                parts = _variable(node, cost, meters[cost.meter], counted, assignments)
            else:
                held = periods_in(cost.per, *window, design.zone) if cost.per else Fraction(0)
                fillers = _fillers(node, meters.values(), counted, assignments)
                parts = dict.fromkeys(fillers, exact(cost.amount) * held)
            for participant, amount in parts.items():
                spent[node.id, participant] += amount
    atoms = atoms_per_major_unit(design.currency)
    return tuple(NodeCost(*key, round(amount * atoms)) for key, amount in sorted(spent.items()) if amount)


def _variable(
    node: Node, cost: Cost, meter: Meter, quantities: Iterable[Quantity], assignments: Assignments
) -> Mapping[str, Fraction]:
    definition = meter_hash(meter)
    per_step = exact(cost.amount) / unit(cost.unit or meter.unit).steps
    spent: defaultdict[str, Fraction] = defaultdict(Fraction)
    for item in quantities:
        if item.meter_hash == definition:
            spent[_filler(node, meter, item, assignments)] += item.quantity * per_step
    return spent


def _fillers(
    node: Node, meters: Iterable[Meter], quantities: Iterable[Quantity], assignments: Assignments
) -> list[str]:
    """Everybody who fills the role; where nobody does, the role itself."""
    known = {meter_hash(meter): meter for meter in meters}
    found = {participant_of(node, assigned, {}) for assigned in assignments.values()}
    if node.from_attribute is not None:
        found |= {
            _filler(node, known[item.meter_hash], item, assignments) for item in quantities if item.meter_hash in known
        }
    named = sorted(participant for participant in found if not participant.startswith(SUSPENSE))
    return named or [participant_of(node, {}, {})]


def _filler(node: Node, meter: Meter, item: Quantity, assignments: Assignments) -> str:
    attributes = dict(zip(meter.group_by, item.group, strict=True))
    return participant_of(node, assignments[item.assignment_id], attributes)
