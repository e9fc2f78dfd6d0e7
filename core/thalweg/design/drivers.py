"""Value drivers: what the nodes want to move, and the indicator that shows whether it moves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from thalweg.design.fields import DecimalText, Id, Name, Part, Positive, Text
from thalweg.design.periods import Period


class Direction(StrEnum):
    """Where a driver's indicator should go."""

    HIGHER = "higher"
    LOWER = "lower"
    BAND = "band"


class Indicator(Part):
    """One figure of one exchange."""

    exchange: Id
    figure: Literal["quantity", "occurrences", "worth", "given"]
    """Its quantity in the declared unit, how often it occurred, or what it was worth to the receiver or to the giver;
    for money, worth is the amount."""


class Sum(Part):
    """The sum of indicators."""

    sum: Annotated[tuple[Kpi, ...], Field(min_length=2, max_length=50)]


class Difference(Part):
    """The first indicator less the second."""

    difference: Annotated[tuple[Kpi, Kpi], Field()]


class Ratio(Part):
    """The first indicator per one of the second, such as worth per occurrence; 0 while the second is 0."""

    ratio: Annotated[tuple[Kpi, Kpi], Field()]


def _form(value: object) -> str:
    """Names of forms hold a blank, so that no path in a document can be mistaken for one."""
    keys = value if isinstance(value, dict) else vars(value) if isinstance(value, Part) else {}
    return next((f"a {form}" for form in ("sum", "difference", "ratio") if form in keys), "a figure")


Kpi = Annotated[
    Annotated[Indicator, Tag("a figure")]
    | Annotated[Sum, Tag("a sum")]
    | Annotated[Difference, Tag("a difference")]
    | Annotated[Ratio, Tag("a ratio")],
    Discriminator(_form),
]


class Driver(Part):
    """A value driver: individual with one owner; shared with two or more, or if its owner contains all other nodes."""

    id: Id
    name: Name
    owners: Annotated[tuple[Id, ...], Field(min_length=1)]
    indicator: Kpi
    baseline: DecimalText
    target: DecimalText
    """For a band, its lower end."""
    target_upper: DecimalText | None = None
    """The upper end of a band."""
    per: Period | None = None
    """The period that baseline and target are meant for: the indicator of any other window is scaled to it. Without
    one, they are compared as they are, as fits a ratio."""
    threshold: DecimalText = "1"
    """The attainment from which on its owner is content: 1 is the target, 0 the baseline."""
    direction: Direction = Direction.HIGHER
    weight: Positive = 1
    description: Text | None = None

    @property
    def is_shared(self) -> bool:
        """True with two or more owners. One whose owner contains all other nodes is shared by the ecosystem too."""
        return len(self.owners) > 1


def figures_in(indicator: Kpi, path: str) -> Iterator[tuple[str, Indicator]]:
    """Path and figure of every exchange that the indicator at `path` looks at."""
    if isinstance(indicator, Indicator):
        yield path, indicator
        return
    key, parts = next(iter(indicator))
    for number, part in enumerate(parts):
        yield from figures_in(part, f"{path}.{key}[{number}]")


for _part in (Sum, Difference, Ratio, Driver):
    _part.model_rebuild()
