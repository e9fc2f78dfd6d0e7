"""Charges of a payer's period against an oracle in exact rationals and plain loops, written apart from the engine."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from thalweg.design import Design
from thalweg.errors import RatingError
from thalweg.plan import compile_design
from thalweg.rating import rate
from worlds.tariffs import ASSIGNMENTS, ATOMS, ZONE, Session, charged, design, measured, moment, tariff

#: local midnight of the 15th of January 2026 in Helsinki, in quarter hours of `Session.quarter`
MIDDLE = 14 * 96 - 8
sessions = st.lists(
    st.builds(
        Session,
        # around the amendment, in one month and one day or week, or anywhere
        quarter=st.integers(MIDDLE - 30, MIDDLE + 60) | st.integers(0, 45 * 96),
        assignment=st.sampled_from(sorted(ASSIGNMENTS)),
        payer=st.sampled_from(["ann", "ann", "bob", ""]),
        charger=st.sampled_from(["rapid", "fast"]),
        wh=st.integers(-20_000, 60_000),
    ),
    max_size=12,
)
amounts = st.decimals(min_value=0, max_value=9, places=3).map(lambda number: format(number, "f"))
scopes = st.sampled_from(["period", "payer"])


#: rules that count over a scope
COUNTED = {"tiers", "package", "period_fee"}


def either(drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | drawn


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """One charge without rules for each occurrence."""
    least = draw(st.integers(0, 20))
    drawn = {
        "unit_price": draw(
            either(
                amounts
                | st.fixed_dictionaries(
                    {"by": st.just("charger"), "prices": st.fixed_dictionaries({"rapid": amounts, "fast": amounts})}
                )
                | st.builds(
                    lambda day, night: {
                        "time_of_use": [{"from": "07:00", "until": "22:15", "price": day}, {"price": night}]
                    },
                    amounts,
                    amounts,
                )
            )
        ),
        "flat": draw(either(amounts)),
        "tiers": draw(
            either(
                st.builds(
                    lambda mode, per, first, second: {
                        "mode": mode,
                        "per": per,
                        "tiers": [{"up_to": "25.5", "unit_price": first}, {"unit_price": second}],
                    },
                    st.sampled_from(["graduated", "volume"]),
                    scopes,
                    amounts,
                    amounts,
                )
            )
        ),
        "package": draw(either(st.fixed_dictionaries({"size": st.just("7"), "price": amounts, "per": scopes}))),
        "period_fee": draw(either(st.fixed_dictionaries({"amount": amounts, "per": scopes}))),
        "limits": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "per": scopes,
                        "minimum": st.just(str(least)),
                        "maximum": st.integers(least, 40).map(str),
                    }
                ),
                max_size=2,
                unique_by=lambda limit: limit["per"],
            )
        ),
    }
    if any(rule and rule["per"] == "payer" for rule in (drawn["tiers"], drawn["package"], drawn["period_fee"])):
        drawn["limits"] = [limit for limit in drawn["limits"] if limit["per"] == "payer"]  # others are not sound
    given_terms = {key: value for key, value in drawn.items() if value}
    return given_terms if given_terms.keys() - {"limits"} else {"flat": "1"} | given_terms


periods = st.sampled_from(["day", "week", "month"])


@st.composite
def tariffs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One tariff, or one that another follows in the middle of a month."""
    period = draw(periods)
    if draw(st.booleans()):
        return [tariff(period=period, **draw(terms()))]
    both = [draw(terms()), draw(terms())]
    if any(each[rule]["per"] == "payer" for each in both for rule in COUNTED & each.keys()):
        for each in both:  # what one version counts over the payer is no single assignment's opening of the next
            each["limits"] = [limit for limit in each.get("limits", []) if limit["per"] == "payer"]
    return [
        tariff(period=period, valid_until="2026-01-15", **both[0]),
        tariff(period=period, valid_from="2026-01-15", **both[1]) | {"id": "u"},
    ]


def oracle(versions: list[dict[str, Any]], happened: list[Session]) -> dict[str, Fraction]:
    """Exact atoms by payer: period by period, version by version, each as what it makes of all so far, less before."""
    owed: defaultdict[str, Fraction] = defaultdict(Fraction)
    for payer in {session.payer for session in happened}:
        by_period: defaultdict[Any, list[Session]] = defaultdict(list)
        for session in happened:
            if session.payer == payer:
                by_period[_period(versions[0]["period"], session)].append(session)
        for own in by_period.values():
            owed[payer] += _period_owed(versions, own)
    return owed


def _period(period: str, session: Session) -> Any:
    local = moment(session).astimezone(ZoneInfo(ZONE))
    return {"day": local.date(), "week": local.isocalendar()[:2], "month": (local.year, local.month)}[period]


def _period_owed(versions: list[dict[str, Any]], happened: list[Session]) -> Fraction:
    parts = [happened]
    if len(versions) == 2:
        parts = [[e for e in happened if e.quarter < MIDDLE], [e for e in happened if e.quarter >= MIDDLE]]
    owed = Fraction(0)
    before: list[Session] = []
    by_line = any(limit["per"] == "period" for version in versions for limit in version.get("limits", []))
    groups: list[int | None] = [*ASSIGNMENTS] if by_line else [None]
    raw: defaultdict[int | None, Fraction] = defaultdict(Fraction)
    within: defaultdict[int, Fraction] = defaultdict(Fraction)
    for version, new in zip(versions, parts, strict=True):
        limits = {limit["per"]: limit for limit in version.get("limits", [])}
        added = Fraction(0)
        for group in groups:
            old, fresh = ([e for e in part if group in (None, e.assignment)] for part in (before, new))
            was, now = raw[group], raw[group] + _cost(version, old, fresh)
            raw[group] = now
            limit = limits.get("period")
            added += _bounded(limit, now, len(old + fresh)) - _bounded(limit, was, len(old))
        was, now = within[0], within[0] + added
        within[0] = now
        owed += _bounded(limits.get("payer"), now, len(before + new)) - _bounded(limits.get("payer"), was, len(before))
        before = before + new
    return owed


def _cost(version: dict[str, Any], before: list[Session], new: list[Session]) -> Fraction:
    """What `new` cost before limits, counted together after `before`."""
    cost = Fraction(0)
    for e in new:
        cost += _price(version.get("unit_price", "0"), e) * Fraction(e.wh, 1000)
        cost += Fraction(version.get("flat", "0")) * ATOMS
    for rule in ("tiers", "package", "period_fee"):
        if rule in version:
            function = _function(rule, version[rule])
            groups = list(ASSIGNMENTS) if version[rule]["per"] == "period" else [None]
            for group in groups:
                old, fresh = ([e for e in part if group in (None, e.assignment)] for part in (before, new))
                cost += function(old + fresh) - function(old)
    return cost


def _price(price: Any, e: Session) -> Fraction:
    if isinstance(price, dict) and "by" in price:
        price = price["prices"][e.charger]
    elif isinstance(price, dict):
        local = moment(e).astimezone(ZoneInfo(ZONE))
        day, night = price["time_of_use"]
        price = (day if (7, 0) <= (local.hour, local.minute) < (22, 15) else night)["price"]
    return Fraction(price) * ATOMS


def _function(rule: str, settings: dict[str, Any]) -> Any:
    def amount(happened: list[Session]) -> Fraction:
        if rule == "period_fee":
            return Fraction(settings["amount"]) * ATOMS * bool(happened)
        kwh = Fraction(sum(e.wh for e in happened), 1000)
        size, sign = abs(kwh), -1 if kwh < 0 else 1
        if rule == "package":
            begun = 0
            while begun * 7 < size:
                begun += 1
            return sign * begun * Fraction(settings["price"]) * ATOMS
        first, second = (Fraction(tier["unit_price"]) * ATOMS for tier in settings["tiers"])
        bound = Fraction("25.5")
        if settings["mode"] == "volume":
            return sign * size * (first if size <= bound else second)
        return sign * (min(size, bound) * first + max(size - bound, 0) * second)

    return amount


def _bounded(limit: dict[str, Any] | None, amount: Fraction, occurrences: int) -> Fraction:
    if limit is None:
        return amount
    if occurrences and amount >= 0:
        amount = max(amount, Fraction(limit["minimum"]) * ATOMS)
    most = Fraction(limit["maximum"]) * ATOMS
    return max(-most, min(most, amount))


def payer_of(name: str) -> str:
    return "suspense:driver" if name == "" else name


@given(tariffs(), sessions)
def test_every_payer_owes_the_exact_amount_rounded_once_for_each_slice_of_each_period(drawn, happened):
    terms = design(*drawn)
    found = charged(rate(terms, measured(terms, happened), ASSIGNMENTS))
    exact = {payer_of(payer): amount for payer, amount in oracle(drawn, happened).items()}
    for payer in exact.keys() | found.keys():
        # a payer's lines of one slice are rounded together, or each by itself: half an atom for each at most
        assert abs(found.get(payer, 0) - exact.get(payer, Fraction(0))) <= Fraction(len(happened), 2)


@given(tariffs(), sessions)
def test_a_payer_s_lines_sum_to_the_payer_s_charge_to_the_atom(drawn, happened):
    for each in drawn:
        each["limits"] = [{"per": "payer", "minimum": "3", "maximum": "40"}]
        each["period"] = "month"
    happened = [session for session in happened if session.quarter < MIDDLE]
    terms = design(*drawn)
    found = charged(rate(terms, measured(terms, happened), ASSIGNMENTS))
    exact = {payer_of(payer): round(amount) for payer, amount in oracle(drawn, happened).items()}
    assert found == {payer: amount for payer, amount in exact.items() if amount}


@given(tariffs(), sessions, st.randoms(use_true_random=False))
def test_order_changes_nothing_and_a_duplicate_that_is_taken_back_leaves_no_trace(drawn, happened, random):
    terms = design(*drawn)
    quantities = measured(terms, happened)
    expected = rate(terms, quantities, ASSIGNMENTS)
    shuffled = random.sample(quantities, len(quantities))
    assert rate(terms, shuffled, ASSIGNMENTS) == expected
    twice = [each._replace(quantity=-each.quantity, occurrences=-each.occurrences) for each in quantities]
    assert rate(terms, [*quantities, *twice, *shuffled], ASSIGNMENTS) == expected


@given(tariffs(), sessions)
def test_a_reversal_takes_back_to_the_atom_what_was_charged(drawn, happened):
    terms = design(*drawn)
    quantities = measured(terms, happened)
    back = [each._replace(quantity=-each.quantity, occurrences=-each.occurrences) for each in quantities]
    forth, reversed_ = (charged(rate(terms, each, ASSIGNMENTS)) for each in (quantities, back))
    assert reversed_ == {payer: -atoms for payer, atoms in forth.items()}


@given(tariffs(), sessions, st.integers(0, 45 * 96))
def test_live_windows_sum_to_what_is_computed_from_scratch(drawn, happened, cut):
    terms = design(*drawn)
    early, late = (
        measured(terms, [e for e in happened if (e.quarter < cut) is is_early]) for is_early in (True, False)
    )
    parts = [charged(rate(terms, early, ASSIGNMENTS)), charged(rate(terms, late, ASSIGNMENTS, early))]
    whole = charged(rate(terms, [*early, *late], ASSIGNMENTS))
    added = {payer: parts[0].get(payer, 0) + parts[1].get(payer, 0) for payer in parts[0].keys() | parts[1].keys()}
    assert {payer: atoms for payer, atoms in added.items() if atoms} == whole


@given(terms(), sessions)
def test_an_amendment_that_changes_nothing_changes_no_payer_s_charge(drawn, happened):
    whole = design(tariff(**drawn))
    cut = design(tariff(valid_until="2026-01-15", **drawn), tariff(valid_from="2026-01-15", **drawn) | {"id": "u"})
    one, two = (charged(rate(each, measured(each, happened), ASSIGNMENTS)) for each in (whole, cut))
    for payer in one.keys() | two.keys():
        assert abs(one.get(payer, 0) - two.get(payer, 0)) <= len(happened)


@given(terms(), sessions, st.integers(0, 30), st.integers(0, 30))
def test_a_cap_is_never_exceeded_also_when_it_changes_within_the_month(drawn, happened, first, second):
    happened = [e for e in happened if e.quarter < 30 * 96]
    drawn.pop("limits", None)
    versions = [
        tariff(valid_until="2026-01-15", limits=[{"per": "payer", "maximum": str(first)}], **drawn),
        tariff(valid_from="2026-01-15", limits=[{"per": "payer", "maximum": str(second)}], **drawn) | {"id": "u"},
    ]
    terms = design(*versions)
    assume(all(e.wh >= 0 for e in happened))
    for atoms in charged(rate(terms, measured(terms, happened), ASSIGNMENTS)).values():
        assert 0 <= atoms <= max(first, second) * ATOMS


def charge_for(terms: Design, wh: int) -> int:
    return charged(rate(terms, measured(terms, [Session(0, 1, "ann", "rapid", wh)]), ASSIGNMENTS)).get("ann", 0)


@given(st.lists(amounts, min_size=2, max_size=4), st.integers(1, 3))
def test_graduated_tiers_are_continuous_and_volume_tiers_jump_to_the_price_reached(prices, at):
    bounds = [str(10 * number) for number in range(1, len(prices))]
    tiers = [{"up_to": bound, "unit_price": price} for bound, price in zip(bounds, prices, strict=False)]
    tiers.append({"unit_price": prices[-1]})
    place = min(at, len(bounds))
    graduated = design(tariff(tiers={"mode": "graduated", "tiers": tiers}))
    steepest = max(Fraction(price) for price in prices) * ATOMS / 1000
    assert 0 <= charge_for(graduated, place * 10_000 + 1) - charge_for(graduated, place * 10_000) <= steepest + 1
    volume = design(tariff(tiers={"mode": "volume", "tiers": tiers}))
    beyond = Fraction(prices[place]) * ATOMS * (place * 10_000 + 1) / 1000
    assert charge_for(volume, place * 10_000) == Fraction(prices[place - 1]) * ATOMS * place * 10
    assert charge_for(volume, place * 10_000 + 1) == round(beyond)


def test_quantities_without_their_quarter_hour_are_refused_where_time_counts():
    terms = design(tariff(period_fee={"amount": "1"}))
    quantities = [each._replace(bucket=None) for each in measured(terms, [Session(0, 1, "ann", "rapid", 5)])]
    assert compile_design(terms).needs_buckets
    with pytest.raises(RatingError, match="by quarter hour"):
        rate(terms, quantities, ASSIGNMENTS)


def test_plain_prices_need_no_quarter_hours():
    assert not compile_design(design(tariff(unit_price="1", flat="2"))).needs_buckets
