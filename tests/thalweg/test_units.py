"""Units convert by exact integers within their dimension."""

from __future__ import annotations

from decimal import Decimal

import pytest

from thalweg.errors import UnitError
from thalweg.units import REGISTRY, in_unit, smallest_step, unit


def test_every_dimension_has_exactly_one_smallest_step():
    steps = [entry.dimension for entry in REGISTRY.values() if entry.steps == 1]
    assert sorted(steps) == sorted({entry.dimension for entry in REGISTRY.values()})


@pytest.mark.parametrize(
    ("symbol", "step"), [("kWh", "Wh"), ("h", "s"), ("MB", "byte"), ("L", "mL"), ("count", "count")]
)
def test_a_unit_is_counted_in_its_smallest_step(symbol, step):
    assert smallest_step(symbol) == step


def test_quantities_are_shown_in_their_declared_unit():
    assert (in_unit(12_345, "kWh"), in_unit(20, "min")) == (Decimal("12.345"), Decimal("0.333333"))


def test_an_unknown_unit_is_named_with_what_is_known():
    with pytest.raises(UnitError, match=r"'kwh'; use one of Wh, kWh"):
        unit("kwh")
