"""Charge meters that are ready to measure: one event in, its charge in atoms out."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from thalweg.charging.terms import Terms, compile_terms
from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.expressions import Context
from thalweg.design.quarters import QUARTER_MS, instant
from thalweg.design.tariffs import Scope
from thalweg.errors import ExpressionError, MeasurementError, MoneyError
from thalweg.mapping_meters import CompiledMeter, Measurement
from thalweg.money import atoms_per_major_unit, parse_decimal
from thalweg.wire.batch import Event

Attributes = Mapping[str, int | str]


class CompiledChargeMeter:
    """A charge meter that is ready to measure."""

    __slots__ = (
        "_from",
        "_measure",
        "_ratio",
        "_terms",
        "_until",
        "attributes",
        "evaluates",
        "group_by",
        "hash",
        "id",
        "reads_time",
    )

    def __init__(self, meter: ChargeMeter) -> None:
        """Compile `meter`; raises ExpressionError."""
        self.id = meter.id
        self.hash = meter.hash
        self.group_by = meter.meter.group_by
        self._measure = CompiledMeter(meter.meter)
        self._ratio = Fraction(meter.ratio)
        self._terms = compile_terms(meter.charge, meter.unit_steps, atoms_per_major_unit(meter.currency), meter.zone)
        self._from = instant(meter.valid_from, meter.zone) if meter.valid_from else None
        self._until = instant(meter.valid_until, meter.zone) if meter.valid_until else None
        #: the attributes that the charge depends on; None: it may be any
        self.attributes = self._read()
        #: whether it takes an expression to measure
        self.evaluates = self._measure.evaluates or any(each.when is not None for each in self._terms.tree())
        #: whether it depends on the quarter hour
        self.reads_time = self._terms.varies or self._from is not None or self._until is not None

    def measure(self, event: Event, context: Context | None) -> Measurement | None:
        """What `event` costs, or None where nothing is charged or no price is known; raises MeasurementError."""
        attributes = event.attributes
        atoms = self.charge(attributes, event.quantity, event.at_ms // QUARTER_MS, context)
        if atoms is None:
            return None
        return Measurement(self.hash, tuple([str(attributes.get(name, "")) for name in self.group_by]), atoms)

    def charge(self, attributes: Attributes, quantity: int, quarter: int, context: Context | None) -> int | None:
        """The charge in atoms of an event in `quarter` (half to even where no rule rounds), or None likewise."""
        if not self._measure.applies(context):
            return None
        if (self._from is not None and quarter < self._from) or (self._until is not None and quarter >= self._until):
            return None
        steps = self._measure.quantity(quantity, context) * self._ratio
        if not self._terms.is_priced(attributes, quarter):
            return None
        amount = self._amount(self._terms, attributes, steps, quarter, context)
        return None if amount is None else round(amount)

    def _amount(
        self, terms: Terms, attributes: Attributes, steps: Fraction, quarter: int, context: Context | None
    ) -> Fraction | None:
        """The amount of one charge; None where it does not apply. All prices are known."""
        if not terms.applies(quarter) or not self._holds(terms, context):
            return None
        amount = Fraction(0)
        for price, times in ((terms.unit_price, steps), (terms.flat, 1)):
            if price is not None:
                amount += (price.at(attributes, quarter) or 0) * times
        for scale in (terms.tiers, terms.package):
            if scale is not None:
                amount += scale[0].amount(steps)
        if terms.amount_from is not None:
            amount += self._given(attributes, *terms.amount_from)
        for part in terms.parts:
            amount += self._amount(part, attributes, steps, quarter, context) or 0
        if terms.rounding is not None:
            amount = terms.rounding.rounded(amount)
        bounds = terms.bounds.get(Scope.OCCURRENCE)
        return amount if bounds is None else bounds.of_occurrence(amount)

    def _holds(self, terms: Terms, context: Context | None) -> bool:
        if terms.when is None:
            return True
        try:
            holds = terms.when.evaluate(context)
        except ExpressionError as error:
            raise MeasurementError(self.id, str(error)) from None
        if holds is not True and holds is not False:
            raise MeasurementError(self.id, f"`when` gives {holds!r}, not true or false")
        return holds

    def _given(self, attributes: Attributes, name: str, atoms: Fraction) -> Fraction:
        """The amount that the event itself says."""
        value = attributes.get(name)
        if value is None:
            raise MeasurementError(self.id, f"the event has no attribute '{name}', which says the amount")
        try:
            amount = parse_decimal(value) if isinstance(value, str) else Fraction(value)
        except MoneyError as error:
            raise MeasurementError(self.id, f"the amount in attribute '{name}': {error}") from None
        return amount * atoms

    def _read(self) -> frozenset[str] | None:
        found = self._terms.attributes
        for expression in (self._measure.where, self._measure.value):
            if found is None or expression is None or isinstance(expression, int):
                continue
            found = None if expression.attributes is None else found | expression.attributes
        return found
