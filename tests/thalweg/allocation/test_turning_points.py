"""The table of turning points is the agreement: between two of them, every further cent is shared alike."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import compile_terms
from thalweg.allocation.breakpoints import points_in_words
from thalweg.allocation.turning_points import turning_points
from thalweg.design.agreements import Agreement
from worlds.agreements import METERS, agreements
from worlds.sharing_oracle import EURO, steps_of

NO_PAST = {
    **dict.fromkeys(("gross", "period_gross"), 0),
    **{key: {} for key in ("units", "period_units", "taken", "period_taken", "accrued", "period_accrued")},
    **{key: {} for key in ("recouped", "recoup_accrued")},
}


@given(agreements(), st.fractions(0, 40, max_denominator=1000), st.integers(0, 20))
def test_shares_follow_from_the_table_alone(document, euros, trips):
    terms = compile_terms(Agreement.model_validate(document), "EUR", METERS)
    points = turning_points(terms, {"trips": trips, "energy": 3})
    if points is None:
        return
    gross = euros * EURO
    due = dict.fromkeys(points[0].parts, Fraction(0))
    for number, point in enumerate(points):
        assert sum(point.parts.values()) == 1
        end = points[number + 1].gross_atoms if number + 1 < len(points) else gross
        for step, part in point.parts.items():
            due[step] += part * max(Fraction(0), min(gross, end) - point.gross_atoms)
    units = {"trips": Fraction(trips), "energy": Fraction(3)}
    assert list(due.values()) == steps_of(document, gross, units, NO_PAST)


def test_caps_tiers_and_accounts_turn_where_worked_out_by_hand():
    steps = [
        {"id": "platform", "take": {"percent_of_gross": 15}, "to": "p", "cap": {"amount": "30"}},
        {"id": "capex", "take": {"recoup": {"account": "k", "total": "85", "percent_of_remainder": 50}}, "to": "i"},
        {"id": "rest", "take": "remainder", "to": "o"},
    ]
    points = turning_points(compile_terms(Agreement.model_validate({"id": "g", "steps": steps}), "EUR"))
    assert points is not None
    assert [(point.gross_atoms / EURO, [float(part) for part in point.parts.values()]) for point in points] == [
        (0, [0.15, 0.425, 0.425]),
        (200, [0, 0, 1]),  # 15 % of 200 are the 30 of the cap, and 42.5 % the 85 of the account
    ]
    assert points_in_words(points, "EUR") == [
        "from a gross of 0.00 EUR on, of each further 100: 15 by platform, 42.5 by capex and 42.5 by rest.",
        "from a gross of 200.00 EUR on, of each further 100: 100 by rest.",
    ]


def test_tiers_by_volume_jump_and_have_no_such_table():
    take = {"tiered": {"on": "gross", "mode": "volume", "tiers": [["10", 5], [None, 3]]}}
    steps = [{"id": "fee", "take": take, "to": "a"}, {"id": "rest", "take": "remainder", "to": "b"}]
    assert turning_points(compile_terms(Agreement.model_validate({"id": "g", "steps": steps}), "EUR")) is None
