"""Windows of one snapshot under its design, rated: each once, for as long as nothing that it follows from changes.

What was measured in a window, and the register, are the same objects until something of them changes
(`thalweg_store.remembered_hours`, `thalweg_store.register`); so all that follows from them is found by who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary, ref

from thalweg.costs import NodeCost, node_costs
from thalweg.errors import OutsideCoverage
from thalweg.metrics import Evidence, Figures, figures_of
from thalweg.plan import DesignPlan
from thalweg.rating import Flows, Occurrences, Quantities, count, rate
from thalweg_api.plans import meters_of, plan_of
from thalweg_api.schemas import WindowName
from thalweg_store.facts import quarter_hour
from thalweg_store.reading import Reading
from thalweg_store.register import Register

_LENGTHS: Final = {
    WindowName.DAY: timedelta(days=1),
    WindowName.WEEK: timedelta(days=7),
    WindowName.MONTH: timedelta(days=30),
}
_BUCKET: Final = timedelta(minutes=15)
_NOTHING: Final = Quantities.of(())

Bounds = tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open window of event time on quarter hours UTC; `start` None means from the beginning.

    The window "all" begins where all meters of the design have begun to measure.
    """

    name: WindowName
    start: datetime | None
    end: datetime

    @classmethod
    def ending(cls, name: WindowName, now: datetime, measured_since: datetime | None = None) -> Span:
        """The window of that name whose last quarter hour contains `now`."""
        end = quarter_hour(now) + _BUCKET
        length = _LENGTHS.get(name)
        return cls(name, measured_since if length is None else end - length, end)

    @property
    def bounds(self) -> tuple[datetime, datetime] | None:
        """Start and end; None where it has no start."""
        return None if self.start is None else (self.start, self.end)

    def before(self) -> Span | None:
        """The window of equal length before this one."""
        if self.start is None or self.name is WindowName.ALL:
            return None
        return Span(self.name, self.start - (self.end - self.start), self.start)


@dataclass(frozen=True, eq=False, slots=True)
class RatedWindow:
    """What follows from what one window held. It does not keep alive what it follows from."""

    flows: Flows
    figures: Figures
    _plan: DesignPlan
    _register: ref[Register]
    _opening: ref[Quantities]
    _bounds: Bounds

    @classmethod
    def of(
        cls, plan: DesignPlan, register: Register, quantities: Quantities, opening: Quantities, bounds: Bounds
    ) -> RatedWindow:
        """`opening` is what the periods in which the window begins held before it."""
        flows = rate(plan, quantities, register.roles, opening)
        costs = _costs(plan, register, quantities, bounds)
        figures = figures_of(plan.design, flows, costs=costs, evidence=Evidence(window=bounds))
        return cls(flows, figures, plan, ref(register), ref(opening), bounds)

    def follows_from(self, plan: DesignPlan, register: Register, opening: Quantities, bounds: Bounds) -> bool:
        """Whether it was made from these, and what was measured in the window."""
        return (
            plan is self._plan
            and register is self._register()
            and opening is self._opening()
            and bounds == self._bounds
        )


#: for as long as what was measured in a window is remembered
_KEPT: Final[WeakKeyDictionary[Quantities, RatedWindow]] = WeakKeyDictionary()


class Windows:
    """The windows of one snapshot."""

    def __init__(self, reading: Reading, document: str) -> None:
        self.plan = plan_of(document)
        self.meters = meters_of(document)
        self._reading = reading
        self._found: dict[Span, tuple[Quantities, Quantities]] = {}

    def rated(self, span: Span) -> RatedWindow:
        """Raises OutsideCoverage."""
        plan, register = self.plan, self._reading.register
        quantities, opening = self._measured(span)
        kept = _KEPT.get(quantities)
        if kept is None or not kept.follows_from(plan, register, opening, span.bounds):
            kept = RatedWindow.of(plan, register, quantities, opening, span.bounds)
            _KEPT[quantities] = kept
        return kept

    def figures_before(self, span: Span) -> Figures | None:
        """Those of the window before; None where there is none, or it is not covered."""
        earlier = span.before()
        if earlier is None:
            return None
        try:
            return self.rated(earlier).figures
        except OutsideCoverage:
            return None

    def recent(self, since: datetime, present: Span) -> Occurrences:
        """What was committed since then added, whenever it was measured; `present` is the window that is asked for."""
        recent = self._reading.recent_quantities(since)
        before = _NOTHING
        if self.plan.has_state:  # charges go on from all that there was before it came
            quantities, opening = self._measured(present)
            before = opening.plus(quantities).plus(recent.negative())
        return count(self.plan, recent, self._reading.assignments(), before)

    def _measured(self, span: Span) -> tuple[Quantities, Quantities]:
        """What the window holds, and what the periods in which it begins held before it."""
        if span not in self._found:
            self._found[span] = self._read(span)
        return self._found[span]

    def _read(self, span: Span) -> tuple[Quantities, Quantities]:
        plan, start = self.plan, span.start
        quantities = self._reading.quantities(start, span.end, meters=self.meters, by_bucket=plan.needs_buckets)
        if start is None or not plan.has_state:
            return quantities, _NOTHING
        return quantities, self._reading.quantities(plan.opening(start), start, by_bucket=True)


def _costs(plan: DesignPlan, register: Register, quantities: Quantities, bounds: Bounds) -> tuple[NodeCost, ...]:
    if bounds is None or not any(node.costs for node in plan.design.nodes):
        return ()
    return node_costs(plan.design, quantities, register.roles, bounds)
