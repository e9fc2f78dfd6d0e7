"""What a design charges for, compiled: each charged exchange with the versions of its tariff and its time slices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from thalweg.allocation.successions import Succession, networks
from thalweg.charging.terms import Terms, compile_terms
from thalweg.design.charge_meters import charge_meters
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.periods import Period
from thalweg.design.quarters import period_start
from thalweg.design.tariffs import Scope, Tariff
from thalweg.design.validity import Slice, Validity, validity_of
from thalweg.money import atoms_per_major_unit
from thalweg.units import unit

#: almost two years
_REMEMBERED_QUARTERS: Final = 1 << 16


@dataclass(frozen=True)
class Version:
    """One tariff."""

    tariff: Tariff
    terms: Terms
    #: id of a component, or None for the tariff as a whole → content hash of the charge meter that measures it
    meters: Mapping[str | None, str]
    #: when it charges what is measured
    validity: Validity


@dataclass(frozen=True)
class ChargedExchange:
    """A money exchange with the versions of its tariff."""

    exchange: Exchange
    versions: tuple[Version, ...]
    zone: str

    @property
    def period(self) -> Period:
        """After which tiers, packages, fees and limits begin anew."""
        return self.versions[0].tariff.period

    @property
    def payer(self) -> str | None:
        """The attribute that tells payers apart, besides the participant."""
        return self.versions[0].tariff.payer

    @cached_property
    def bases(self) -> frozenset[str]:
        """The exchanges that it charges percentages of."""
        parts = [part for version in self.versions for part in version.terms.tree()]
        return frozenset(part.percent_of[0] for part in parts if part.percent_of)

    @cached_property
    def has_state(self) -> bool:
        """Whether a charge depends on what came before in its period."""
        return any(version.terms.scopes - {Scope.OCCURRENCE} for version in self.versions)

    @cached_property
    def is_linear(self) -> bool:
        """Whether it is prices times numbers, and nothing else."""
        return all(version.terms.is_linear for version in self.versions)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Those that prices depend on, sorted."""
        terms = [each for version in self.versions for each in version.terms.tree()]
        return tuple(sorted({price.attribute for each in terms for price in each.prices if price.attribute}))

    @cached_property
    def depends_on_time(self) -> bool:
        """Whether it takes quantities by quarter hour."""
        return self.has_state or bool(self._cuts) or any(version.terms.varies for version in self.versions)

    @cached_property
    def _cuts(self) -> list[int]:
        return sorted({cut for each in self.versions for cut in each.validity.cuts})

    def version_at(self, quarter: int) -> Version | None:
        """The tariff in force in `quarter`."""
        return next((version for version in self.versions if version.validity.holds(quarter)), None)

    def slice_of(self, quarter: int) -> Slice:
        """The time slice that holds `quarter`."""
        if not self.depends_on_time:
            return Slice(0, 0)
        return Slice(period_start(quarter, self.period, self.zone), bisect_right(self._cuts, quarter))


class ChargePlan:
    """Everything that is charged under a design."""

    def __init__(self, design: Design) -> None:
        """Compile the tariffs of `design`."""
        self.zone = design.zone
        #: by exchange id, in the design's order
        self.exchanges: dict[str, ChargedExchange] = {}
        for exchange in design.exchanges:
            versions = [_version(design, exchange, tariff) for tariff in design.tariffs if tariff.on == exchange.id]
            if versions:
                self.exchanges[exchange.id] = ChargedExchange(exchange, tuple(versions), design.zone)

        #: by the exchange whose charges agreements share; without those that fixed parts are given of at all times
        payees = {exchange.id: exchange.target for exchange in design.exchanges}
        found = networks(design.agreements, payees, design.zone)
        self.networks = {paid: network for network in found for paid in network.paid}
        self.sharing = {paid: network.on(paid) for paid, network in self.networks.items()}
        self._shared = {each.on: each for each in design.agreements if each.on is not None}
        self._slicers = {each: self._slicers_of(self._following(each)) for each in self.exchanges}
        self._timed = {each for each in self.exchanges if self._is_timed(each)}
        #: all that rating asks of a quarter hour: those of which the same is said can be added up before
        self.said_of: Callable[[int], Hashable] = lru_cache(maxsize=_REMEMBERED_QUARTERS)(self._said_of)

    @property
    def needs_buckets(self) -> bool:
        """Whether rating takes quantities by quarter hour."""
        return bool(self._timed)

    @property
    def has_state(self) -> bool:
        """Whether charges or their shares depend on what came before."""
        return bool(self.sharing) or any(charged.has_state for charged in self.exchanges.values())

    def opening(self, quarter: int) -> int | None:
        """From when on quantities bear on what is charged and shared from `quarter` on; None: from the beginning.

        The start of the longest period.
        """
        if any(times.is_lifelong for times in self.sharing.values()):
            return None
        starts = [
            period_start(quarter, charged.period, self.zone) for charged in self.exchanges.values() if charged.has_state
        ]
        starts += [period_start(quarter, times.period, self.zone) for times in self.sharing.values()]
        return min([quarter, *starts])

    def takes_buckets(self, exchange_id: str) -> bool:
        """Whether the charge on an exchange takes quantities by quarter hour, for itself or together with others."""
        return exchange_id in self._timed

    def _said_of(self, quarter: int) -> Hashable:
        charged = [self.exchanges[each] for each in sorted(self._timed)]
        versions = [each.version_at(quarter) for each in charged]
        return (
            *(each.slice_of(quarter) for each in charged),
            *(each.slice_of(quarter) for each in self.sharing.values()),
            *(None if version is None else version.terms.at(quarter) for version in versions),
        )

    def is_linear(self, exchange_id: str) -> bool:
        """Whether an exchange's charge and shares are those of its quantities' sums, whatever was before."""
        shared = self._shared.get(exchange_id)
        if exchange_id in self.sharing or (shared is not None and shared.pools):
            return False
        return all(self.exchanges[each].is_linear for each in (exchange_id, *(shared.deductions if shared else ())))

    def slicers(self, exchange_id: str) -> Mapping[str, ChargedExchange | Succession]:
        """By name, all that cut an exchange's charge in time: itself; all that charge a percentage of it, at any
        remove; the agreements that share one of these, or take one of them off."""
        return self._slicers[exchange_id]

    def _slicers_of(self, exchanges: tuple[str, ...]) -> Mapping[str, ChargedExchange | Succession]:
        found: dict[str, ChargedExchange | Succession] = {each: self.exchanges[each] for each in exchanges}
        for paid, times in self.sharing.items():
            if not found.keys().isdisjoint((paid, *times.deductions)):
                found[times.name] = times
        return found

    def _following(self, exchange_id: str) -> tuple[str, ...]:
        found = {exchange_id: None}
        size = 0
        while size < len(found):
            size = len(found)
            found |= dict.fromkeys(id_ for id_, other in self.exchanges.items() if other.bases & found.keys())
        return tuple(found)

    def _is_timed(self, exchange_id: str) -> bool:
        """Whether it or anything that it is related to by percentages depends on time."""
        related = {exchange_id}
        size = 0
        while size < len(related):
            size = len(related)
            related |= {base for each in related for base in self.exchanges[each].bases}
            related |= {id_ for id_, other in self.exchanges.items() if other.bases & related}
        slicers = [slicer for each in related for slicer in self._slicers[each].values()]
        return any(isinstance(each, Succession) or each.depends_on_time for each in slicers)


def _version(design: Design, exchange: Exchange, tariff: Tariff) -> Version:
    meters = charge_meters(design, tariff)
    steps, atoms = unit(exchange.unit).steps, atoms_per_major_unit(design.currency)
    return Version(
        tariff=tariff,
        terms=compile_terms(tariff, steps, atoms, design.zone),
        meters={None if name == tariff.id else name.partition(".")[2]: meter.hash for name, meter in meters.items()},
        validity=validity_of(tariff, design.zone),
    )
