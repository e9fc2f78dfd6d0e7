"""Events of the shipped ecosystems, and what they come to: through meters, rating and metrics, with no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from thalweg.costs import node_costs
from thalweg.design import Design
from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.examples import example
from thalweg.mapping import compile_plan
from thalweg.metrics import Figures, figures_of
from thalweg.plan import compile_design
from thalweg.rating import Flow, Quantity, rate
from thalweg.wire.batch import Event

#: midnight in Paris and Berlin
MIDNIGHT: Final = datetime(2026, 3, 2, 23, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EURO: Final = 10**8


class Reported(NamedTuple):
    """An event, and the assignment of the device that reported it."""

    assignment: int
    event: Event


def at(hours: int) -> int:
    """Unix time in ms, so many hours after midnight."""
    return (MIDNIGHT + timedelta(hours=hours) - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Outcome:
    """What a window's events come to under one design."""

    figures: Figures
    flows: tuple[Flow, ...]

    def paid(self, exchange: str) -> Decimal:
        """Money along one exchange."""
        return _amount(sum(flow.money_atoms for flow in self.flows if flow.exchange == exchange))

    @property
    def captured(self) -> dict[str, Decimal]:
        """Participant → K."""
        return {node: _amount(account.captured) for node, account in self.figures.accounts.items()}

    @property
    def cash(self) -> dict[str, Decimal]:
        """Participant → money in less money out."""
        return {node: _amount(account.net_cash) for node, account in self.figures.accounts.items()}

    @property
    def created(self) -> Decimal:
        """C."""
        return _amount(self.figures.created)


class Ecosystem:
    """A design, compiled once for as many windows as there are."""

    def __init__(self, design: Design) -> None:
        self._measuring = compile_plan(design)
        self._rating = compile_design(design)

    def outcome(
        self, reported: Iterable[Reported], assignments: Mapping[int, Mapping[str, str]], days: int = 1
    ) -> Outcome:
        """Measure the events of some days from `MIDNIGHT` on, and rate what was measured."""
        design = self._rating.design
        quantities = [
            Quantity(
                measured.meter_hash,
                assignment,
                measured.group,
                measured.quantity,
                1,
                beginning_of(quarter_of(_EPOCH + timedelta(milliseconds=event.at_ms))),
            )
            for assignment, event in reported
            for measured in self._measuring.measure(event)
        ]
        flows = rate(self._rating, quantities, assignments)
        costs = node_costs(design, quantities, assignments, (MIDNIGHT, MIDNIGHT + timedelta(days=days)))
        return Outcome(figures_of(design, flows, costs=costs), flows)


@cache
def shipped(name: str) -> Ecosystem:
    """The shipped ecosystem of that name."""
    return Ecosystem(example(name))


def _amount(atoms: int) -> Decimal:
    return Decimal(atoms) / _EURO
