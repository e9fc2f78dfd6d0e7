"""A charge that is ready to be computed: its prices in atoms, its rules, its parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from thalweg.charging.prices import Pricing, Times
from thalweg.charging.rules import Bounds, PackageScale, RoundingStep, TierScale
from thalweg.design.expressions import Expression
from thalweg.design.fields import exact
from thalweg.design.tariffs import AmountFrom, Charge, Component, Scope


@dataclass(frozen=True, slots=True)
class Terms:
    """One charge. Amounts are in atoms, quantities in smallest steps of the exchange's unit."""

    #: a component's id, None for the tariff as a whole
    id: str | None
    unit_price: Pricing | None
    flat: Pricing | None
    #: with what they look at together
    tiers: tuple[TierScale, Scope] | None
    package: tuple[PackageScale, Scope] | None
    period_fee: tuple[Fraction, Scope] | None
    #: exchange and part of its charge
    percent_of: tuple[str, Fraction] | None
    #: the attribute, and atoms for one of it
    amount_from: tuple[str, Fraction] | None
    when: Expression | None
    during: Times | None
    rounding: RoundingStep | None
    bounds: Mapping[Scope, Bounds]
    parts: tuple[Terms, ...]
    needs_occurrence: bool

    def tree(self) -> Iterator[Terms]:
        """Itself, then its parts."""
        yield self
        for part in self.parts:
            yield from part.tree()

    def applies(self, quarter: int) -> bool:
        """Whether what is measured in `quarter` is charged."""
        return self.during is None or self.during.first(quarter) is not None

    def is_priced(self, attributes: Mapping[str, int | str], quarter: int) -> bool:
        """Whether every price is known that an event with `attributes` in `quarter` may need."""
        if not self.applies(quarter):
            return True
        own = [price.at(attributes, quarter) for price in self.prices]
        return None not in own and all(part.is_priced(attributes, quarter) for part in self.parts)

    @property
    def prices(self) -> tuple[Pricing, ...]:
        """Those per unit and per occurrence."""
        return tuple(price for price in (self.unit_price, self.flat) if price is not None)

    @property
    def varies(self) -> bool:
        """Whether it depends on time by its prices or hours."""
        return any(each.during is not None or any(price.varies for price in each.prices) for each in self.tree())

    @property
    def is_linear(self) -> bool:
        """Whether it is prices times numbers, and nothing else: then a sum is charged like its parts together."""
        return not self.scopes and all(not each.needs_occurrence and not each.percent_of for each in self.tree())

    def at(self, quarter: int) -> Hashable:
        """What it says of `quarter`: times of which it says the same, it cannot tell apart."""
        return tuple((each.applies(quarter), *(price.all_at(quarter) for price in each.prices)) for each in self.tree())

    def rates(self, attributes: Mapping[str, int | str], quarter: int) -> tuple[Fraction, Fraction] | None:
        """Of a linear charge: atoms for a smallest step and for an occurrence; None where a price is not known."""
        if not self.is_priced(attributes, quarter):
            return None
        charging = list(self._applying(quarter))
        return (
            _total([each.unit_price for each in charging], attributes, quarter),
            _total([each.flat for each in charging], attributes, quarter),
        )

    def _applying(self, quarter: int) -> Iterator[Terms]:
        if self.applies(quarter):
            yield self
            for part in self.parts:
                yield from part._applying(quarter)

    @property
    def scopes(self) -> frozenset[Scope]:
        """What its rules look at together."""
        own = [each[1] for each in (self.tiers, self.package, self.period_fee) if each is not None]
        return (
            frozenset(own) | frozenset(self.bounds) | frozenset(scope for part in self.parts for scope in part.scopes)
        )

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes that it reads of an event; None: it may read any."""
        found: set[str] = set()
        for each in self.tree():
            if each.when is not None:
                if each.when.attributes is None:
                    return None
                found |= each.when.attributes
            found |= {price.attribute for price in each.prices if price.attribute}
            found |= {each.amount_from[0]} if each.amount_from else set()
        return frozenset(found)


def compile_terms(charge: Charge, steps: int, atoms: int, zone: str) -> Terms:
    """`charge` on an exchange whose unit has `steps` smallest steps, in a currency whose unit has `atoms` atoms."""
    tiers, package, fee, percent = charge.tiers, charge.package, charge.period_fee, charge.percent_of
    return Terms(
        id=charge.id if isinstance(charge, Component) else None,
        unit_price=Pricing(charge.unit_price, Fraction(atoms, steps), zone) if charge.unit_price is not None else None,
        flat=Pricing(charge.flat, Fraction(atoms), zone) if charge.flat is not None else None,
        tiers=(TierScale(tiers, steps, atoms), tiers.per) if tiers else None,
        package=(PackageScale(package, steps, atoms), package.per) if package else None,
        period_fee=(exact(fee.amount) * atoms, Scope(fee.per)) if fee else None,
        percent_of=(percent.exchange, exact(percent.percent) / 100) if percent else None,
        amount_from=_amount_from(charge.amount_from, atoms),
        when=Expression(charge.when) if charge.when is not None else None,
        during=Times(charge.during, zone) if charge.during else None,
        rounding=RoundingStep(charge.rounding, atoms) if charge.rounding else None,
        bounds={limit.per: Bounds(limit, atoms) for limit in charge.limits},
        parts=tuple(compile_terms(part, steps, atoms, zone) for part in charge.parts),
        needs_occurrence=charge.needs_occurrence,
    )


def _total(prices: Iterable[Pricing | None], attributes: Mapping[str, int | str], quarter: int) -> Fraction:
    known = (price.at(attributes, quarter) for price in prices if price is not None)
    return sum((amount for amount in known if amount is not None), Fraction(0))


def _amount_from(source: AmountFrom | None, atoms: int) -> tuple[str, Fraction] | None:
    return (source.attribute, exact(source.unit) * atoms) if source else None
