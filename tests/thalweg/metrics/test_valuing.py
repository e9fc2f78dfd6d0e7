"""How the worth of what is not money was found: what is sure, what is not, and what is counted in points alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from thalweg.design import from_document
from thalweg.errors import InvalidDesign
from thalweg.metrics import METRICS, Figures, NodeKey, Reason, Value, figures_of
from worlds.roaming import document, flows


def session(**received: dict[str, str]) -> Figures:
    """One roaming session; `received` replaces the receiver's valuation of exchanges, `-` written as `_`."""
    changed: dict[str, Any] = document()
    for exchange in changed["exchanges"]:
        if valuation := received.get(exchange["id"].replace("-", "_")):
            exchange["v_to"] = valuation
    design = from_document(changed)
    return figures_of(design, flows(design), NodeKey.ROLE)


def of_design(figures: Figures, metric: str) -> Value:
    compute = METRICS[metric].of_design
    assert compute is not None
    return compute(figures)


def test_the_parts_that_are_sure_and_unsure_go_by_what_was_received():
    # received: 6.20 of service, 0.02 and 0.10 of data, 0.05 of benefit
    found = session(
        charging_service={"amount": "0.62", "method": "willingness_to_pay", "confidence": "high"},
        session_data={"amount": "0.02", "method": "willingness_to_pay", "confidence": "medium"},
        occupancy_data={"amount": "0.10", "method": "avoided_cost", "confidence": "low"},
    )
    assert round(of_design(found, "m30.high").value or 0, 6) == round(Decimal(62_000) / 637, 6)
    assert round(of_design(found, "m30.low").value or 0, 6) == round(Decimal(1_500) / 637, 6), "0.05 says nothing"


def test_points_of_the_5_3_1_scale_are_no_money():
    plain = session()
    scaled = session(kerb_benefit={"amount": "5", "method": "scale_5_3_1"})
    without = session(kerb_benefit={"amount": "0", "method": "unvalued"})
    assert of_design(plain, "m1").value == Decimal("3.85")
    assert of_design(scaled, "m1") == of_design(without, "m1") == (Decimal("3.80"), None)
    assert of_design(scaled, "m30.unvalued") == of_design(without, "m30.unvalued")


def test_perceived_value_is_the_mean_of_the_points_of_what_occurred():
    scaled = session(
        kerb_benefit={"amount": "5", "method": "scale_5_3_1"}, session_data={"amount": "1", "method": "scale_5_3_1"}
    )
    assert of_design(scaled, "m30.perceived") == (3, None)
    of_each = METRICS["m30.perceived-exchange"].of_each
    assert of_each is not None
    assert of_each(scaled) == {("kerb-benefit",): (5, None), ("session-data",): (1, None)}
    assert of_design(session(), "m30.perceived").reason is Reason.NOT_DECLARED


def test_a_scale_of_three_points_has_no_fourth():
    with pytest.raises(InvalidDesign) as refused:
        session(kerb_benefit={"amount": "4", "method": "scale_5_3_1"})
    (problem,) = refused.value.problems
    assert problem.path.endswith(".v_to.amount")
    assert problem.remedy == 'write "5" for much, "3" for some, "1" for little'
