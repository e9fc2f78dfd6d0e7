"""Charges of single occurrences are fed live and back-filled like any other meter, at the times of measurement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.design import content_hash, load
from thalweg.design.charge_meters import ChargeMeter
from thalweg.examples import text
from thalweg.plan import compile_design
from thalweg.rating import rate
from thalweg_store.database import Database
from thalweg_store.reading import reading
from thalweg_store.registry import Registry
from worlds.gateway import ECOSYSTEM, NOON_MS, World, charge, make_world
from worlds.oracle import scan, stored_rollups

pytestmark = pytest.mark.slow

PLAIN = text("ev-charging")
#: 0.501 by day, 0.301 by night in Helsinki, each session rounded to the cent, at most 30.00 a month
ROUNDED = PLAIN.replace(
    'on: charging-fee, unit_price: "0.50"}',
    'on: charging-fee, unit_price: {time_of_use: [{from: "06:00", until: "22:00", price: "0.501"}, {price: "0.301"}]}, '
    'rounding: {to: "0.01"}, limits: [{per: payer, maximum: "30"}]}',
)
CENT = 1_000_000
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
NIGHT_MS = NOON_MS + 11 * 3_600_000
LATE = 9


@pytest.fixture
def world(database: Database) -> World:
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42"})
    return made


def activate(world: World, document: str) -> None:
    Registry(world.database).activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))


def fee_atoms(world: World, start: datetime | None, end: datetime) -> int:
    plan = compile_design(load(ROUNDED))
    with reading(world.database, ECOSYSTEM) as facts:
        quantities = facts.quantities(start, end, meters=plan.meters, by_bucket=plan.needs_buckets)
        opening = facts.quantities(plan.opening(start), start, by_bucket=True) if start else []
        flows = rate(plan, quantities, facts.assignments(), opening)
    return sum(flow.money_atoms for flow in flows if flow.exchange == "charging-fee")


def send(world: World) -> None:
    """Sessions of 1,234 Wh: by day 0.618234 is 0.62, by night 0.371434 is 0.37."""
    world.send(world.batch(charge(1_234, NOON_MS), charge(1_234, NIGHT_MS)))
    world.pipeline.step()


def send_without_clock(world: World) -> None:
    """Two more, whose uptimes turn out to be by day and by night."""
    up_ms = NIGHT_MS - NOON_MS
    world.send(world.batch(charge(1_234, 0), charge(1_234, up_ms), boot=LATE, time_quality=0))
    world.send_state(state="on", boot=LATE, next=2, up=up_ms, now=NIGHT_MS, q=1)
    world.pipeline.step()


def test_what_is_back_filled_costs_the_same_as_what_is_fed(world: World) -> None:
    activate(world, PLAIN)
    send(world)
    send_without_clock(world)
    activate(world, ROUNDED)
    end = NOON + timedelta(days=1)
    assert fee_atoms(world, None, end) == 2 * (62 + 37) * CENT
    send(world)
    assert fee_atoms(world, None, end) == 3 * (62 + 37) * CENT


#: every rule for one occurrence, on three exchanges of a session
BY_OCCURRENCE = (
    PLAIN.replace(
        'on: charging-fee, unit_price: "0.50"}',
        "on: charging-fee, during: [{days: [mon], from: '17:30', until: '20:00'}], "
        "tiers: {mode: graduated, per: occurrence, tiers: [{up_to: '1', unit_price: '0.5'}, {unit_price: '0.31'}]}, "
        "components: [{id: start, flat: {by: emsp, prices: {volt-pass: '0.35'}}, when: attributes.seconds > 60}], "
        "rounding: {to: '0.01', mode: half_even}, limits: [{per: occurrence, minimum: '1', maximum: '20'}]}",
    )
    .replace(
        'on: roaming-fee, unit_price: "0.05"}',
        "on: roaming-fee, amount_from: {attribute: seconds, unit: '0.0001'}, valid_from: '2026-09-21T17:45'}",
    )
    .replace(
        'on: operator-fee, unit_price: "0.35"}',
        "on: operator-fee, package: {size: '0.7', price: '0.3', per: occurrence}, unit_price: {series: "
        "{start: '2026-09-21T18:00', minutes: 60, prices: ['0.1', null, '0.3', '0.4']}}}",
    )
)


def test_charge_meters_hold_what_one_scan_by_plain_arithmetic_finds(world: World) -> None:
    activate(world, PLAIN)
    hours = [charge(400 * number, NOON_MS + number * 1_800_000, seconds=30 * number) for number in range(12)]
    strange = [
        charge(1_234, NOON_MS, "other"),
        charge(-1_234, NOON_MS),
        charge(1_234, NOON_MS + 1_800_000, seconds="long"),
    ]
    world.send(world.batch(*hours, *strange))
    world.pipeline.step()
    activate(world, BY_OCCURRENCE)
    world.send(world.batch(*hours, *strange, boot=8))
    world.pipeline.step()
    stored = stored_rollups(world.database)
    assert stored == scan(world.database, ECOSYSTEM)[0]
    plan = compile_design(load(BY_OCCURRENCE))
    charged = {each for each, meter in plan.meters.items() if isinstance(meter, ChargeMeter)}
    assert len(charged) == 3
    assert {key[0] for key in stored} >= charged


def test_parked_events_cost_what_they_cost_at_the_time_that_turns_out(world: World) -> None:
    activate(world, ROUNDED)
    send_without_clock(world)
    assert fee_atoms(world, None, NOON + timedelta(days=1)) == (62 + 37) * CENT


def test_a_window_within_a_month_goes_on_from_what_came_before_it(world: World) -> None:
    activate(world, ROUNDED)
    world.send(world.batch(charge(50_000, NOON_MS), charge(20_000, NIGHT_MS)))  # 25.05 and 6.02
    world.pipeline.step()
    evening = NOON.replace(hour=18, minute=0, second=0, microsecond=0)
    assert fee_atoms(world, None, evening) == 2_505 * CENT
    assert fee_atoms(world, evening, evening + timedelta(days=1)) == 495 * CENT
