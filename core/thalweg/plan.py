"""A design, compiled once: what to feed, what is charged, how charges are shared. Rating is a pure function of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from thalweg.allocation import Terms, compile_terms
from thalweg.charging.tariffs import ChargePlan
from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.document import Design
from thalweg.design.meters import Meter
from thalweg.design.quarters import beginning_of, quarter_of


@dataclass(frozen=True)
class DesignPlan:
    """What rating needs of a design. Immutable, and safe to share between threads."""

    design: Design
    #: by content hash: everything that events are measured by, charge meters included
    meters: Mapping[str, Meter | ChargeMeter]
    #: tariffs, by the exchange that they charge
    charges: ChargePlan
    #: by id, compiled
    agreements: Mapping[str, Terms]

    @property
    def needs_buckets(self) -> bool:
        """Whether quantities must come by quarter hour (`Quantity.bucket`)."""
        return self.charges.needs_buckets

    @property
    def has_state(self) -> bool:
        """Whether charges or their shares depend on what came before."""
        return self.charges.has_state

    def opening(self, start: datetime) -> datetime | None:
        """From when on quantities bear on what is charged and shared from `start`, a quarter hour, on.

        The start of its period; None, from the beginning, where agreements have terms for all their lifetime. What
        lies between the two is the `opening` of `thalweg.rating.rate`.
        """
        opening = self.charges.opening(quarter_of(start))
        return None if opening is None else beginning_of(opening)


def compile_design(design: Design) -> DesignPlan:
    """The plan of `design`."""
    units = {meter.id: meter.unit for meter in design.meters}
    agreements = {each.id: compile_terms(each, design.currency, units) for each in design.agreements}
    return DesignPlan(design, meters_to_feed(design), ChargePlan(design), agreements)
