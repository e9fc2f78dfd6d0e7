"""Periods, assignments, coverage and retention: what is changed after events were booked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.design import content_hash, load
from thalweg.design.meters import meter_hash
from thalweg.errors import OutsideCoverage, SetupError, StoreError, UnknownDevice
from thalweg.examples import text
from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg.wire.topics import Channel, device_topic
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.reading import reading
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from thalweg_store.retention import drop_bytes
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge, make_world
from worlds.oracle import scan, stored_rollups

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
LARGE_ONLY = DESIGN.replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 100\n    group_by")
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
QUARTER = timedelta(minutes=15)
START = quarter_hour(NOON)
ENERGY, LARGE_ENERGY = (
    next(meter_hash(meter) for meter in load(document).meters if meter.id == "energy")
    for document in (DESIGN, LARGE_ONLY)
)


@pytest.fixture
def world(database: Database) -> World:
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    return made


@pytest.fixture
def registry(world: World) -> Registry:
    return Registry(world.database)


def send(world: World, wh: int, at: datetime = NOON) -> None:
    world.send(world.batch(charge(wh, at_ms=int(at.timestamp() * 1000))))
    world.pipeline.step()


def activate(registry: Registry, document: str) -> None:
    registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))


def live_energy(world: World) -> dict[str, tuple[int, int]]:
    """Host → Wh and events that came in the last minutes, whenever they were measured."""
    with reading(world.database, ECOSYSTEM) as facts:
        roles = facts.assignments()
        found: dict[str, tuple[int, int]] = {}
        for each in facts.recent_quantities(datetime.now(UTC) - timedelta(minutes=5)):
            if each.meter_hash == ENERGY:
                host = roles[each.assignment_id].get("host", "vacant")
                quantity, occurrences = found.get(host, (0, 0))
                found[host] = quantity + each.quantity, occurrences + each.occurrences
        return found


def energy(
    world: World, *, meter: str = ENERGY, as_of_revision: int | None = None, check: bool = False
) -> dict[str, int]:
    """Host → Wh."""
    with reading(world.database, ECOSYSTEM) as facts:
        hosts = {number: roles.get("host", "vacant") for number, roles in facts.assignments().items()}
        found = facts.quantities(
            START - QUARTER if check else None, NOON + timedelta(days=1),
            meters=[meter] if check else [], as_of_revision=as_of_revision,
        )  # fmt: skip
        sums: dict[str, int] = {}
        for each in found:
            if each.meter_hash == meter:
                sums[hosts[each.assignment_id]] = sums.get(hosts[each.assignment_id], 0) + each.quantity
        return {host: wh for host, wh in sums.items() if wh}


def close(world: World) -> int:
    return period_close(world.database, ECOSYSTEM, START, START + 4 * QUARTER, datetime.now(UTC))


def test_what_comes_after_a_close_goes_to_the_next_revision_and_the_closed_one_stays(world: World) -> None:
    send(world, 1)
    assert close(world) == 0
    send(world, 10)
    send(world, 20, NOON + timedelta(hours=2))  # another period, which is open
    assert close(world) == 1
    send(world, 100)
    assert world.rows("select distinct revision from rollup order by 1") == [(0,), (1,), (2,)]
    assert energy(world, as_of_revision=0) == {"mall-42": 21}
    assert energy(world, as_of_revision=1) == {"mall-42": 31}
    assert energy(world) == {"mall-42": 131}
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, START),
        (START + QUARTER, START),
        (START, START + timedelta(minutes=20)),
        (START + timedelta(seconds=1), START + QUARTER),
        (START + QUARTER, START + 5 * QUARTER),
        (START, START + QUARTER),
    ],
)
def test_a_period_that_is_empty_off_the_quarter_hours_or_partly_closed_is_refused(
    world: World, start: datetime, end: datetime
) -> None:
    close(world)
    with pytest.raises(StoreError, match=r"quarter hour|overlap"):
        period_close(world.database, ECOSYSTEM, start, end, datetime.now(UTC))


def test_a_period_that_is_not_over_is_not_closed(world: World) -> None:
    with pytest.raises(StoreError, match="still to come"):
        period_close(world.database, ECOSYSTEM, START, START + QUARTER, START + QUARTER - timedelta(seconds=1))
    assert period_close(world.database, ECOSYSTEM, START, START + QUARTER, START + QUARTER) == 0


@pytest.mark.parametrize("minutes", [0, 7, 15, 31])
def test_a_back_dated_assignment_takes_over_what_was_measured_from_its_instant_on(
    world: World, registry: Registry, minutes: int
) -> None:
    moments = [START + timedelta(minutes=step) for step in (0, 6, 8, 14, 15, 30, 32, 59)]
    for number, moment in enumerate(moments):
        send(world, 2**number, moment)
    cut = START + timedelta(minutes=minutes)
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, cut, datetime.now(UTC))
    expected = {"library": sum(2**number for number, moment in enumerate(moments) if moment >= cut)}
    if before := sum(2**number for number, moment in enumerate(moments) if moment < cut):
        expected["mall-42"] = before
    assert energy(world) == expected
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]
    send(world, 1000, START + timedelta(minutes=59))
    assert energy(world)["library"] == expected["library"] + 1000


def test_an_assignment_ends_where_the_next_begins(world: World, registry: Registry) -> None:
    for minute in (1, 5, 9):
        send(world, minute, START + timedelta(minutes=minute))
    registry.assign(ECOSYSTEM, DEVICE, {}, START + timedelta(minutes=8), datetime.now(UTC))
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START + timedelta(minutes=4), datetime.now(UTC))
    assert energy(world) == {"mall-42": 1, "library": 5, "vacant": 9}


def test_a_vacant_role_is_filled_from_the_instant_on_at_which_it_fell_vacant(world: World, registry: Registry) -> None:
    registry.assign(ECOSYSTEM, DEVICE, {}, START, datetime.now(UTC))
    send(world, 5)
    assert energy(world) == {"vacant": 5}
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START, datetime.now(UTC))
    assert energy(world) == {"library": 5}


def test_a_closed_period_keeps_its_participants_and_the_change_is_its_next_revision(
    world: World, registry: Registry
) -> None:
    send(world, 5)
    close(world)
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START, datetime.now(UTC))
    assert energy(world, as_of_revision=0) == {"mall-42": 5}
    assert energy(world) == {"library": 5}


def test_what_live_views_show_of_the_last_minutes_changes_hands_too(world: World, registry: Registry) -> None:
    now = datetime.now(UTC)
    for minutes, wh in ((70, 1), (50, 10), (30, 100), (0, 1000)):
        send(world, wh, now - timedelta(minutes=minutes))
    assert live_energy(world) == {"mall-42": (1111, 4)}
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, now - timedelta(minutes=60), datetime.now(UTC))
    assert live_energy(world) == {"mall-42": (1, 1), "library": (1110, 3)}
    registry.assign(ECOSYSTEM, DEVICE, {"host": "mall-42"}, now - timedelta(minutes=40), datetime.now(UTC))
    assert live_energy(world) == {"mall-42": (1101, 3), "library": (10, 1)}
    send(world, 5, now)
    assert live_energy(world) == {"mall-42": (1106, 4), "library": (10, 1)}


def test_live_views_of_other_devices_stay_as_they_are(world: World, registry: Registry) -> None:
    registry.ensure_devices(ECOSYSTEM, [NewDevice(name="cp-02", operator="o", roles={"host": "mall-42"})], BEGINNING)
    world.pipeline.step()
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, "cp-02", 1).uplink, 1)
    writer.add(charge(7))
    world.source.put(device_topic(ECOSYSTEM, "cp-02", Channel.EVENTS), writer.seal())
    send(world, 5)
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START, datetime.now(UTC))
    assert live_energy(world) == {"mall-42": (7, 1), "library": (5, 1)}


def test_only_registered_devices_and_participants_can_be_assigned(registry: Registry) -> None:
    with pytest.raises(UnknownDevice, match="cp-99"):
        registry.assign(ECOSYSTEM, "cp-99", {}, START, NOON)
    with pytest.raises(SetupError, match="nobody"):
        registry.assign(ECOSYSTEM, DEVICE, {"host": "nobody"}, START, NOON)


def test_a_new_meter_has_the_history_of_the_batches_before(world: World, registry: Registry) -> None:
    send(world, 50)
    send(world, 500)
    activate(registry, LARGE_ONLY)
    send(world, 5000)
    assert energy(world, meter=LARGE_ENERGY, check=True) == {"mall-42": 5500}
    assert stored_rollups(world.database) == scan(world.database, ECOSYSTEM)[0]


def test_a_meter_that_is_fed_no_more_is_covered_until_then_and_catches_up_when_it_is_again(
    world: World, registry: Registry
) -> None:
    send(world, 50)
    activate(registry, LARGE_ONLY)
    send(world, 500)
    with reading(world.database, ECOSYSTEM) as facts:
        assert facts.quantities(START, NOON + QUARTER, meters=[ENERGY])
        with pytest.raises(OutsideCoverage, match="energy"):
            facts.quantities(START, datetime.now(UTC) + QUARTER, meters=[ENERGY])
    activate(registry, DESIGN)
    assert energy(world, check=True) == {"mall-42": 550}


def test_a_meter_that_no_design_ever_had_is_outside_coverage(world: World) -> None:
    with reading(world.database, ECOSYSTEM) as facts, pytest.raises(OutsideCoverage, match=LARGE_ENERGY):
        facts.quantities(START, NOON, meters=[LARGE_ENERGY])


def test_retention_keeps_sums_and_digests_and_ends_the_history_of_new_meters(world: World, registry: Registry) -> None:
    payload = world.batch(charge(500))
    world.send(payload)
    world.pipeline.step()
    later = datetime.now(UTC) + timedelta(days=40)
    assert drop_bytes(world.database, ECOSYSTEM, timedelta(days=50), later) == 0
    assert drop_bytes(world.database, ECOSYSTEM, timedelta(days=30), later) == 1
    assert drop_bytes(world.database, ECOSYSTEM, timedelta(days=30), later) == 0
    world.send(payload)
    world.pipeline.step()
    assert world.rows("select count(*), count(payload) from batch") == [(1, 0)]
    assert world.rows("select duplicates from boot") == [(1,)], "its digest is known still"
    assert energy(world, check=True) == {"mall-42": 500}
    activate(registry, LARGE_ONLY)
    with reading(world.database, ECOSYSTEM) as facts:
        with pytest.raises(OutsideCoverage) as caught:
            facts.quantities(START, NOON + QUARTER, meters=[LARGE_ENERGY])
        covered_from = caught.value.start
        assert covered_from is not None
        assert later - timedelta(days=30) < covered_from <= later - timedelta(days=30) + timedelta(minutes=17)
        assert not facts.quantities(covered_from, covered_from + QUARTER, meters=[LARGE_ENERGY])


def test_what_lost_its_bytes_changes_hands_by_whole_quarter_hours_only(world: World, registry: Registry) -> None:
    send(world, 5, START + timedelta(minutes=5))
    drop_bytes(world.database, ECOSYSTEM, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(StoreError, match="retention dropped"):
        registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START + timedelta(minutes=1), NOON)
    assert energy(world) == {"mall-42": 5}
    registry.assign(ECOSYSTEM, DEVICE, {"host": "library"}, START, NOON)
    assert energy(world) == {"library": 5}


def test_bytes_are_kept_for_a_day_at_least(world: World) -> None:
    with pytest.raises(StoreError, match="a day at least"):
        drop_bytes(world.database, ECOSYSTEM, timedelta(hours=23), NOON)
