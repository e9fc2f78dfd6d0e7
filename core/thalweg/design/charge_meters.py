"""Charge meters: what of a tariff needs one occurrence, measured per event. Their quantity is the charge in atoms.

Content-addressed like other meters: the same terms on the same measure are the same charge meter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.meters import Meter, digest, meter_definition, meter_hash
from thalweg.design.ratios import measure_of
from thalweg.design.tariffs import Charge, Scope, Tariff, metered_charges
from thalweg.units import unit


@dataclass(frozen=True)
class ChargeMeter:
    """A charge that is measured: `charge` applied to each event that `meter` measures while the tariff is in force."""

    #: the tariff, and the component if it is one
    id: str
    meter: Meter
    #: smallest steps of the exchange's unit for one smallest step of the meter, as an exact fraction
    ratio: str
    #: smallest steps in the exchange's unit, which prices are per
    unit_steps: int
    currency: str
    zone: str
    charge: Charge
    valid_from: str | None
    valid_until: str | None

    @property
    def kind(self) -> str:
        """The kind of its events."""
        return self.meter.kind

    @property
    def exchange(self) -> bool:
        """True if its events are data exchanges."""
        return self.meter.exchange

    @cached_property
    def hash(self) -> str:
        """32 hex digits that depend on what is measured and on the terms; limits beyond one occurrence are not."""
        return digest(
            {
                "charge_of": meter_definition(self.meter),
                "ratio": self.ratio,
                "unit_steps": self.unit_steps,
                "currency": self.currency,
                "zone": self.zone,
                "terms": _terms(self.charge),
                "valid": [self.valid_from, self.valid_until],
            }
        )


def _terms(charge: Charge) -> dict[str, Any]:
    limits = tuple(limit for limit in charge.limits if limit.per is Scope.OCCURRENCE)
    own = charge.model_copy(update={"limits": limits})
    terms = own.model_dump(mode="json", exclude_defaults=True, include=set(Charge.model_fields))
    return terms | ({"components": [_terms(part) for part in charge.parts]} if charge.parts else {})


def charge_meters(design: Design, tariff: Tariff) -> dict[str, ChargeMeter]:
    """The charge meters of `tariff` by the name of the charge that they measure, as `metered_charges` gives it."""
    exchange = next(each for each in design.exchanges if each.id == tariff.on)
    return {name: _charge_meter(design, exchange, tariff, name, charge) for name, charge in metered_charges(tariff)}


def _charge_meter(design: Design, exchange: Exchange, tariff: Tariff, name: str, charge: Charge) -> ChargeMeter:
    meter, ratio = measure_of(design, exchange)
    return ChargeMeter(
        id=name,
        meter=meter,
        ratio=str(ratio),
        unit_steps=unit(exchange.unit).steps,
        currency=design.currency,
        zone=design.zone,
        charge=charge,
        valid_from=tariff.valid_from,
        valid_until=tariff.valid_until,
    )


def meters_to_feed(design: Design) -> dict[str, Meter | ChargeMeter]:
    """Everything that events of `design` are measured by, by content hash: its meters, then its charge meters."""
    found: dict[str, Meter | ChargeMeter] = {meter_hash(meter): meter for meter in design.meters}
    for tariff in design.tariffs:
        found |= {each.hash: each for each in charge_meters(design, tariff).values()}
    return found
