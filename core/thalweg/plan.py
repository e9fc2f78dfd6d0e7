"""A design, compiled once: what to feed, what is charged, how charges are shared. Rating is a pure function of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from thalweg.allocation import Terms, compile_terms
from thalweg.charging.tariffs import ChargePlan
from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.document import Design
from thalweg.design.meters import Meter
from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.integer_columns import distinct
from thalweg.quantities import UNTIMED, Quantities


@dataclass(frozen=True, eq=False)
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

    def grouped(self, window: Quantities, opening: Quantities) -> tuple[Quantities, Quantities]:
        """Both, without other designs' meters, and with quarter hours added up that nothing in the design tells apart.

        What is rated is the same to the last atom, and much less.
        """
        window, opening = (each.of_meters(self.meters.keys()) for each in (window, opening))
        if not self.needs_buckets:
            return window.summed(), opening.summed()
        alike: dict[Hashable, int] = {}
        one, other = (each.summed(self._alike(each.quarters, alike)) for each in (window, opening))
        return one, other

    def _alike(self, quarters: NDArray[np.int64], alike: dict[Hashable, int]) -> NDArray[np.int64]:
        """For each quarter hour the first one of which the design says the same; `alike` gathers these."""
        first, places = distinct([quarters], len(quarters))
        stand_in = [
            quarter if quarter == UNTIMED else alike.setdefault(self.charges.said_of(quarter), quarter)
            for quarter in quarters[first].tolist()
        ]
        return np.array(stand_in, np.int64)[places]


def compile_design(design: Design) -> DesignPlan:
    """The plan of `design`."""
    units = {meter.id: meter.unit for meter in design.meters}
    agreements = {each.id: compile_terms(each, design.currency, units) for each in design.agreements}
    return DesignPlan(design, meters_to_feed(design), ChargePlan(design), agreements)
