"""`thalweg bench rate`: how fast quantities become charges, and charges shares, on one core."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from thalweg.allocation import allocate, compile_terms
from thalweg.allocation.columns import allocate_many
from thalweg.design import from_document
from thalweg.design.agreements import Agreement
from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.mapping import Plan
from thalweg.mapping_columns import measure
from thalweg.plan import DesignPlan, compile_design
from thalweg.rating import Quantity, rate
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.columns_decoder import decode
from thalweg_app.bench.figures import Figure, Yardstick

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
    return [
        *allocations,
        _rated("rollup rows rated and shared, one price", {"unit_price": "0.50"}),
        _rated("rollup rows rated and shared, by time, tiers and cap", _TIMED),
        _measured(),
    ]


def _allocations() -> Iterator[Figure]:
    """In columns, where many bases have the same parties and opening; and one by one, as `rate` shares its lines."""
    agreement = Agreement.model_validate(_AGREEMENT)
    terms = compile_terms(agreement)
    participants = {role: role for role in sorted(agreement.roles)}
    bases = np.random.default_rng(1).integers(1, 10**11, _BASES)
    rate_of_exact = _BASES / _fastest(lambda: allocate_many(terms, bases, participants))
    few = bases[: _BASES // 10].tolist()
    rate_of_floats = len(few) / _fastest(lambda: [_in_floats(base) for base in few])
    rate_of_single = len(few) / _fastest(lambda: [allocate(terms, base, participants) for base in few])
    yardstick = Yardstick("the same in a loop of floats, which do not sum", rate_of_floats)
    for name, value in (("many at once", rate_of_exact), ("one by one", rate_of_single)):
        yield Figure(
            name=f"five-step allocations, {name}",
            value=value,
            unit="a second",
            bar=MIN_ALLOCATIONS,
            better="higher",
            yardstick=yardstick,
        )


def _in_floats(base: int) -> list[float]:
    """What a script would do: seven amounts, rounded each by itself."""
    amounts = [base * 0.15, base * 0.125, base * 0.03 * 0.75, base * 0.03 * 0.25, base * 0.0075]
    rest = base - sum(amounts)
    return [round(amount, 6) for amount in (*amounts, rest * 0.7, rest * 0.3)]


def _rated(name: str, tariff: dict[str, Any]) -> Figure:
    plan = _plan(tariff)
    rows = list(_rows(plan))
    assignments = {host: {"host": f"host-{host}"} for host in range(_HOSTS)}
    seconds = _fastest(lambda: rate(plan, rows, assignments))
    return Figure(
        name=name,
        value=len(rows) / seconds,
        unit="a second",
        bar=None,
        better="higher",
        yardstick=Yardstick("adding them up by host", len(rows) / _fastest(lambda: _sums(rows))),
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
        value=len(events) / _fastest(lambda: measure(charges, events, places)),
        unit="a second",
        bar=None,
        better="higher",
        yardstick=Yardstick("counting their quantity", len(events) / _fastest(lambda: measure(plain, events, places))),
    )


def _batch(first: int) -> bytes:
    """Sessions of different energy: what is alike would be computed once."""
    writer = BatchWriter(bytes(32), 1)
    for number in range(first, first + _EVENTS_A_BATCH):
        writer.add(Event(10**12 + number, "charging.session", 1_000 + 37 * number, attributes={"emsp": "volt-pass"}))
    return writer.seal()


def _fastest(work: Callable[[], object], times: int = 3) -> float:
    """Seconds on the clock of the quickest of some runs."""
    found = []
    for _ in range(times):
        gc.collect()
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)
