"""Value exchanges: what flows from whom to whom, and what one unit of it is worth to either side."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, StrictBool

from thalweg.design.fields import DecimalText, Id, Name, Part, Text
from thalweg.design.periods import Period


class Medium(StrEnum):
    """What kind of thing flows."""

    MONEY = "money"
    GOOD = "good"
    SERVICE = "service"
    DATA = "data"
    KNOWLEDGE = "knowledge"
    BENEFIT = "benefit"


class Method(StrEnum):
    """How a valuation was found."""

    TARIFF = "tariff"
    NEXT_BEST_ALTERNATIVE = "next_best_alternative"
    AVOIDED_COST = "avoided_cost"
    WILLINGNESS_TO_PAY = "willingness_to_pay"
    REGULATED_PRICE = "regulated_price"
    SCALE_5_3_1 = "scale_5_3_1"
    UNVALUED = "unvalued"


class Maturity(StrEnum):
    """How far an exchange has come."""

    DRAFT = "draft"
    PILOT = "pilot"
    ACTIVE = "active"


class Confidence(StrEnum):
    """How far a valuation can be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Valuation(Part):
    """What one unit of an exchange is worth to one side."""

    amount: DecimalText
    """In the design's currency, per declared unit of the exchange; by `scale_5_3_1`, so many points, which are no
    money."""
    method: Method
    confidence: Confidence | None = None

    @property
    def is_priced(self) -> bool:
        """Whether the amount is money, rather than points of a scale or nothing at all."""
        return self.method not in (Method.SCALE_5_3_1, Method.UNVALUED)


class Expected(Part):
    """The scenario: how often an exchange is expected to occur."""

    occurrences: DecimalText
    per: Period


class Exchange(Part):
    """A directed flow of value between two roles.

    A money exchange gets its amounts from a tariff, or from an agreement that pays along it, and carries no valuation.
    Any other exchange is worth `v_from` to its giver, who gives that up, and `v_to` to its receiver.
    """

    id: Id
    name: Name
    source: Id = Field(alias="from")
    """The role that gives."""
    target: Id = Field(alias="to")
    """The role that receives."""
    object: Name
    """The thing that is handed over, in words."""
    medium: Medium
    tangible: StrictBool = True
    """False where no contract mentions it."""
    unit: Name = "count"
    """The unit that prices and valuations are per."""
    meter: Id | None = None
    """How it is measured. An exchange without a meter takes its interface's quantity times `ratio`."""
    interface: Id | None = None
    """The bundle that it belongs to."""
    ratio: DecimalText | None = None
    """Units of this exchange per unit of the interface's meter."""
    v_from: Valuation | None = None
    v_to: Valuation | None = None
    maturity: Maturity = Maturity.ACTIVE
    expected: Expected | None = None
    description: Text | None = None

    @property
    def is_money(self) -> bool:
        """True for a money leg."""
        return self.medium is Medium.MONEY


class Interface(Part):
    """An atomic bundle: all exchanges that name it occur, or none."""

    id: Id
    name: Name
    meter: Id | None = None
    """Measures the bundle, for those of its exchanges that have no meter of their own."""
    correlation: Name | None = None
    """The event attribute whose value says which occurrence of the bundle an event belongs to. Without one, nobody can
    tell whether an occurrence was complete."""
    description: Text | None = None
