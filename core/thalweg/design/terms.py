"""Terms: tariffs turn quantities into charges, agreements share the charges."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from thalweg.design.fields import DecimalText, Id, Name, Part, exact


class Tariff(Part):
    """What a money exchange costs: unit price, flat amount per occurrence, or both."""

    id: Id
    on: Id
    """The money exchange that it charges."""
    unit_price: DecimalText | None = None
    """In the design's currency, per declared unit of the exchange."""
    flat: DecimalText | None = None
    """In the design's currency, per occurrence."""


class NetOf(Part):
    """The charge less the charges of other money exchanges that its payee pays for the same events."""

    net_of: Annotated[tuple[Id, ...], Field(min_length=1)]


class PercentOfGross(Part):
    """Takes a percentage of the agreement's base."""

    percent_of_gross: DecimalText


class Split(Part):
    """Several recipients, in proportion to their weights."""

    split: Annotated[dict[Id, DecimalText], Field(min_length=1)]


def _form(value: object) -> str:
    return "word" if isinstance(value, str) else "table"


Base = Annotated[Annotated[Literal["gross"], Tag("word")] | Annotated[NetOf, Tag("table")], Discriminator(_form)]
Take = Annotated[
    Annotated[Literal["remainder"], Tag("word")] | Annotated[PercentOfGross, Tag("table")], Discriminator(_form)
]
Recipient = Annotated[Annotated[Id, Tag("word")] | Annotated[Split, Tag("table")], Discriminator(_form)]


class Step(Part):
    """One step of an agreement: how much is taken, and who gets it."""

    id: Id
    take: Take
    to: Recipient

    @property
    def is_remainder(self) -> bool:
        """True for the step that takes all that the others left."""
        return self.take == "remainder"

    @property
    def percent(self) -> Fraction:
        """Percent of the base that this step takes; 0 for the remainder."""
        return exact(self.take.percent_of_gross) if isinstance(self.take, PercentOfGross) else Fraction(0)

    @property
    def weights(self) -> Mapping[str, Fraction]:
        """Role → weight of its part of what the step takes."""
        if isinstance(self.to, Split):
            return {role: exact(weight) for role, weight in self.to.split.items()}
        return {self.to: Fraction(1)}


class Agreement(Part):
    """How the charges of one money exchange are shared; its payee pays each recipient."""

    id: Id
    name: Name | None = None
    on: Id
    """The money exchange whose charges feed it."""
    base: Base = "gross"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    """The last one takes the remainder."""

    @property
    def deductions(self) -> tuple[str, ...]:
        """The exchanges whose charges are taken off before sharing."""
        return self.base.net_of if isinstance(self.base, NetOf) else ()
