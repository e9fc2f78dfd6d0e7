"""`thalweg bench rate`: how fast quantities become charges, and charges shares, on one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from thalweg.allocation import Terms, allocate, compile_terms
from thalweg.allocation.columns import allocate_many
from thalweg.design import from_document
from thalweg.design.agreements import Agreement
from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.mapping import Plan
from thalweg.mapping_columns import measure
from thalweg.plan import DesignPlan, compile_design
from thalweg.rating import Quantities, Quantity, rate
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.columns_decoder import decode
from thalweg_app.bench.fastest import fastest
from thalweg_app.bench.figures import Figure, Yardstick
from thalweg_app.bench.rate_history import what_if

#: five-step allocations a second
MIN_ALLOCATIONS: Final = 180_000
_BASES: Final = 200_000
_ROWS: Final = 100_000
_EVENTS: Final = 20_000
_EVENTS_A_BATCH: Final = 400
_HOSTS: Final = 50
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)

_AGREEMENT: Final = {
    "id": "five-steps",
    "on": "fee",
    "steps": [
        {"id": "platform", "take": {"percent_of_gross": 15}, "to": "platform"},
        {"id": "host", "take": {"percent_of_gross": "12.5"}, "to": "host"},
        {"id": "data", "take": {"percent_of_gross": 3}, "to": {"split": {"owner": 3, "lab": 1}}},
        {"id": "city", "take": {"percent_of_gross": "0.75"}, "to": "city"},
        {"id": "rest", "take": "remainder", "to": {"split": {"operator": 7, "investor": 3}}},
    ],
}
#: recipients are the same; each step depends on what came before
_WITH_STATE: Final = {
    "id": "five-steps-with-state",
    "on": "fee",
    "steps": [
        {"id": "meter", "take": {"per_unit": {"meter": "energy", "amount": "0.00002"}}, "to": "platform"},
        {"id": "host", "take": {"percent_of_gross": "12.5"}, "to": "host", "cap": {"amount": "100"}},
        {"id": "data", "take": {"tiered": {"on": "gross", "mode": "graduated", "per": "period",
         "tiers": [["300", 3], [None, 5]]}}, "to": {"split": {"owner": 3, "lab": 1}}},
        {"id": "capex", "take": {"recoup": {"account": "capex", "total": "200", "percent_of_remainder": 50}},
         "to": "investor"},
        {"id": "rest", "take": "remainder", "to": {"split": {"operator": 7, "city": 3}}},
    ],
}  # fmt: skip
#: what the fee of the example design costs instead of a price per kWh
_TIMED: Final = {
    "unit_price": {"time_of_use": [{"from": "07:00", "until": "21:00", "price": "0.50"}, {"price": "0.30"}]},
    "tiers": {"mode": "graduated", "tiers": [{"up_to": "1000", "unit_price": "0.05"}, {"unit_price": "0.02"}]},
    "limits": [{"per": "payer", "maximum": "5000"}],
}
_ROUNDED: Final = {"unit_price": "0.501", "flat": "0.35", "rounding": {"to": "0.01"}}


def run(tell: Callable[[str], None]) -> list[Figure]:
    """The figures of this process."""
    tell("allocating")
    allocations = list(_allocations())
    tell("rating")
    rated = [
        _rated("rollup rows rated and shared, one price", {"unit_price": "0.50"}),
        _rated("rollup rows rated and shared, by time, tiers and cap", _TIMED),
        _measured(),
    ]
    tell("what if")
    return [*allocations, *rated, what_if()]


def _allocations() -> Iterator[Figure]:
    """One at a time, and in columns, as rating shares all lines of a charge; by fixed parts and by a whole language."""
    plain, rich = (Agreement.model_validate(each) for each in (_AGREEMENT, _WITH_STATE))
    terms, with_state = compile_terms(plain), compile_terms(rich, "EUR", {"energy": "Wh"})
    participants = {role: role for role in sorted(plain.roles)}
    bases = np.random.default_rng(1).integers(1, 10**11, _BASES)
    units = {"energy": bases // 50_000}
    few = bases[: _BASES // 10].tolist()
    yardstick = Yardstick(
        "the same in a loop of floats, which do not sum", len(few) / fastest(lambda: [_in_floats(base) for base in few])
    )

    def figure(name: str, count: int, work: Callable[[], object]) -> Figure:
        return Figure(
            name=f"five-step allocations, {name}",
            value=count / fastest(work),
            unit="a second",
            bar=MIN_ALLOCATIONS,
            better="higher",
            yardstick=yardstick,
        )

    yield figure("many at once", _BASES, lambda: allocate_many(terms, bases, participants))
    yield figure("one at a time", len(few), lambda: _one_at_a_time(terms, few, participants))
    yield figure(
        "with a cap, tiers, an account and units, many at once",
        _BASES,
        lambda: allocate_many(with_state, bases, participants, units=units),
    )


def _one_at_a_time(terms: Terms, bases: list[int], participants: dict[str, str]) -> None:
    """As a live view books events: each is looked at and let go."""
    for base in bases:
        allocate(terms, base, participants)


def _in_floats(base: int) -> list[float]:
    """What a script would do: seven amounts, rounded each by itself."""
    amounts = [base * 0.15, base * 0.125, base * 0.03 * 0.75, base * 0.03 * 0.25, base * 0.0075]
    rest = base - sum(amounts)
    return [round(amount, 6) for amount in (*amounts, rest * 0.7, rest * 0.3)]


def _rated(name: str, tariff: dict[str, Any]) -> Figure:
    plan = _plan(tariff)
    rows = list(_rows(plan))
    columns = Quantities.of(rows)
    assignments = {host: {"host": f"host-{host}"} for host in range(_HOSTS)}
    seconds = fastest(lambda: rate(plan, columns, assignments))
    return Figure(
        name=name,
        value=len(rows) / seconds,
        unit="a second",
        bar=None,
        better="higher",
        yardstick=Yardstick("adding them up by host", len(rows) / fastest(lambda: _sums(rows))),
    )


def _plan(tariff: dict[str, Any]) -> DesignPlan:
    document = parse(text("ev-charging"))
    charging_fee = document["tariffs"][0]
    document["tariffs"][0] = {"id": charging_fee["id"], "on": charging_fee["on"]} | tariff
    return compile_design(from_document(document))


def _rows(plan: DesignPlan) -> Iterator[Quantity]:
    """Successive quarter hours, of each host and meter."""
    meters = list(plan.meters.items())
    for number in range(_ROWS):
        content_hash, meter = meters[number % len(meters)]
        assert not isinstance(meter, ChargeMeter)
        bucket = _START + timedelta(minutes=15 * (number // len(meters) // _HOSTS))
        group = tuple("volt-pass" for _ in meter.group_by)
        yield Quantity(content_hash, number // len(meters) % _HOSTS, group, 1_000 + number % 977, 3, bucket)


def _sums(rows: list[Quantity]) -> dict[tuple[str, int], int]:
    sums: dict[tuple[str, int], int] = {}
    for row in rows:
        key = row.meter_hash, row.assignment_id
        sums[key] = sums.get(key, 0) + row.quantity
    return sums


def _measured() -> Figure:
    """Charge meters: events whose charge is rounded one by one, beside the meter of their quantity."""
    meters = _plan(_ROUNDED).meters.values()
    charges, plain = (
        Plan(
            [each for each in meters if each.kind == "charging.session" and isinstance(each, ChargeMeter) is is_charge]
        )
        for is_charge in (True, False)
    )
    events = decode([_batch(first) for first in range(0, _EVENTS, _EVENTS_A_BATCH)])
    places = np.arange(len(events))
    return Figure(
        name="events charged one by one, rounded to the cent",
        value=len(events) / fastest(lambda: measure(charges, events, places)),
        unit="a second",
        bar=None,
        better="higher",
        yardstick=Yardstick("counting their quantity", len(events) / fastest(lambda: measure(plain, events, places))),
    )


def _batch(first: int) -> bytes:
    """Sessions of different energy: what is alike would be computed once."""
    writer = BatchWriter(bytes(32), 1)
    for number in range(first, first + _EVENTS_A_BATCH):
        writer.add(Event(10**12 + number, "charging.session", 1_000 + 37 * number, attributes={"emsp": "volt-pass"}))
    return writer.seal()
