"""One roaming session of 10 kWh with one occupancy report, from events to every figure, by hand-checked numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from thalweg.examples import example
from thalweg.mapping import compile_plan
from thalweg.metrics import METRICS, Figures, NodeKey, Reason, figures_of
from thalweg.rating import Quantity, rate
from thalweg.wire.batch import Event

PARTICIPANTS = {
    "driver": "drivers",
    "emsp": "greenmile",
    "hub": "roam-hub",
    "cpo": "city-charge",
    "energy": "river-power",
    "host": "mall-42",
    "city": "rivertown",
    "charger": "charge-points",
}
CAPTURED = {
    "driver": "1.20",
    "emsp": "1.00",
    "hub": "0.45",
    "cpo": "0.62",
    "energy": "0.40",
    "host": "0.10",
    "city": "0.08",
    "charger": "0",
}
NET_CASH = {
    "driver": "-5.00",
    "emsp": "1.00",
    "hub": "0.50",
    "cpo": "1.35",
    "energy": "2.00",
    "host": "0.15",
    "city": "0",
    "charger": "0",
}
SHARE_PERCENT = {"emsp": "20", "hub": "10", "cpo": "27", "energy": "40", "host": "3"}
CONTRIBUTION_EUR = {
    "driver": Fraction(37, 60),
    "emsp": Fraction(37, 60),
    "hub": Fraction(37, 60),
    "energy": Fraction(37, 60),
    "host": Fraction(37, 60),
    "cpo": Fraction("3.70") / 6 + Fraction("0.02") / 2 + Fraction("0.13") / 2,
    "city": Fraction("0.065"),
    "charger": Fraction("0.01"),
}


@pytest.fixture(params=NodeKey)
def session(request: pytest.FixtureRequest) -> tuple[Figures, dict[str, str]]:
    """The session's figures, and role → node, by participant and by role."""
    design = example("ev-charging")
    plan = compile_plan(design)
    events = [
        Event(at_ms=0, kind="charging.session", quantity=10_000, attributes={"emsp": "greenmile"}),
        Event(at_ms=0, kind="occupancy", quantity=1, is_exchange=True, attributes={"to": "city"}),
    ]
    quantities = [
        Quantity(measured.meter_hash, 7, measured.group, measured.quantity, 1)
        for event in events
        for measured in plan.measure(event)
    ]
    figures = figures_of(design, rate(design, quantities, {7: {"host": "mall-42"}}), request.param)
    nodes = PARTICIPANTS if request.param is NodeKey.PARTICIPANT else {role: role for role in PARTICIPANTS}
    return figures, nodes


def design_value(figures: Figures, metric: str) -> Decimal | None:
    compute = METRICS[metric].of_design
    assert compute is not None
    return compute(figures).value


def node_values(session: tuple[Figures, dict[str, str]], metric: str) -> dict[str, Decimal | None]:
    figures, nodes = session
    compute = METRICS[metric].of_node
    assert compute is not None
    return {role: compute(figures, node).value for role, node in nodes.items()}


def decimals(table: dict[str, str]) -> dict[str, Decimal]:
    return {role: Decimal(number) for role, number in table.items()}


def test_value_created_is_3_85_and_all_of_it_is_captured(session):
    assert design_value(session[0], "m1") == design_value(session[0], "m2") == Decimal("3.85")


def test_each_captures_its_part(session):
    assert node_values(session, "m2") == decimals(CAPTURED)


def test_net_cash_flows(session):
    assert node_values(session, "m3") == node_values(session, "m2.money") == decimals(NET_CASH)


def test_what_a_node_creates_is_what_it_captures_less_its_cash(session):
    created = node_values(session, "m1")
    assert created == {role: Decimal(CAPTURED[role]) - Decimal(NET_CASH[role]) for role in CAPTURED}
    assert sum(value for value in created.values() if value is not None) == Decimal("3.85")


def test_the_driver_s_five_euro_are_shared_20_10_27_40_3(session):
    assert design_value(session[0], "m6") == Decimal("5.00")
    shares = node_values(session, "m7")
    assert {role: value for role, value in shares.items() if value is not None} == decimals(SHARE_PERCENT)


def test_who_pays_has_no_revenue_share_and_the_reason_says_so(session):
    figures, nodes = session
    share = METRICS["m7"].of_node
    assert share is not None
    assert share(figures, nodes["driver"]) == (None, Reason.NOT_POSITIVE)


def test_concentration_is_2838_points(session):
    assert design_value(session[0], "m9") == Decimal(2838)
    assert design_value(session[0], "m9.normalised") == Decimal("1047.5")


def test_contributions_are_the_shapley_values(session):
    figures, nodes = session
    atoms = {role: figures.contributions[node] for role, node in nodes.items()}
    assert atoms == {role: euro * 10**8 for role, euro in CONTRIBUTION_EUR.items()}


def test_capture_against_contribution_and_against_all(session):
    against = node_values(session, "m5")
    assert against["driver"] == Decimal("1.945945945946")
    assert against["city"] == Decimal("1.230769230769")
    assert node_values(session, "m4")["emsp"] == Decimal("0.25974025974")


def test_pass_through_of_each(session):
    through = node_values(session, "m8")
    assert (through["emsp"], through["driver"], through["city"]) == (Decimal("0.8"), Decimal(0), None)
