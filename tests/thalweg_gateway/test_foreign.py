"""Messages of devices that are not ours, on a real database."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg.design import content_hash, load
from thalweg.design.meters import meter_hash
from thalweg.errors import SetupError
from thalweg.examples import text
from thalweg.profiles import Reader, profile_hash
from thalweg.profiles import load as load_profile
from thalweg.wire import forms
from thalweg.wire.batch import Event
from thalweg.wire.topics import Channel, device_topic
from thalweg.wire.unsigned import is_unsigned, unsigned_batch
from thalweg_gateway.commit import Committer
from thalweg_gateway.foreign import Effect, ForeignCommitter
from thalweg_gateway.foreign_parts import ForeignMessage, ForeignSource
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.replay import Replay
from thalweg_store.database import Database
from thalweg_store.facts import Fate
from thalweg_store.foreign import count_unreadable, measured_period, register_profile
from thalweg_store.reading import reading
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from thalweg_store.rejected import list_rejected
from worlds.gateway import World

pytestmark = pytest.mark.slow

ECOSYSTEM = "boulder-sessions"
ROOT_KEY = bytes(32)
NOON_MS = 1_700_000_000_000
#: sessions with an id, and a register
PROFILE: dict[str, Any] = {
    "id": "test",
    "version": 1,
    "name": "Test",
    "format": "json",
    "device": "who",
    "without_event": "ignore",
    "events": [
        {
            "kind": "charging.session",
            "where": "has(payload.id)",
            "at": {"from": "at", "format": "unix_ms"},
            "quantity": {"from": "wh", "unit": "Wh"},
            "attributes": {
                "site": {"from": "site", "optional": True},
                "co2_grams": {"from": "co2", "as": "integer", "optional": True},
            },
            "identity": {"by": ["id"]},
        },
        {
            "kind": "charging.session",
            "where": "has(payload.register)",
            "at": {"from": "at", "format": "unix_ms"},
            "quantity": {"from": "register", "unit": "Wh"},
            "attributes": {"site": {"const": "register"}, "co2_grams": {"const": 0}},
            "counter": {"name": {"const": "main"}},
        },
    ],
}


@dataclass
class Foreign:
    """An ecosystem with foreign devices, and gateways that read them."""

    database: Database
    registry: Registry
    sources: dict[int, ForeignSource] = field(default_factory=dict)

    def source(self, version: int = 1, **changes: Any) -> ForeignSource:
        if version not in self.sources:
            document = PROFILE | {"version": version} | changes
            profile = load_profile(yaml.safe_dump(document))
            registered = register_profile(
                self.database,
                ECOSYSTEM,
                "test",
                version,
                profile_hash(profile),
                json.dumps(document),
                datetime.now(UTC),
            )
            self.sources[version] = ForeignSource(Reader(profile), registered)
        return self.sources[version]

    def gateway(self, name: str = "one") -> ForeignCommitter:
        committer = Committer(self.database, ECOSYSTEM, KeyRing(ROOT_KEY, ECOSYSTEM), name)
        return ForeignCommitter(self.database, committer, name)

    def send(
        self, *payloads: dict[str, Any], version: int = 1, gateway: ForeignCommitter | None = None
    ) -> Counter[Effect]:
        source = self.source(version)
        return (gateway or self.gateway()).commit(source, [self.message(source, each) for each in payloads]).effects

    @staticmethod
    def message(source: ForeignSource, payload: dict[str, Any]) -> ForeignMessage:
        said = {"who": "plug", "at": NOON_MS, "site": "home", "co2": 1} | payload
        raw = json.dumps(said).encode()
        return ForeignMessage(source.reader.read(said, NOON_MS), raw, "test/topic", datetime.now(UTC), raw.hex())

    def energy_wh(self) -> int:
        (hashed,) = [meter_hash(meter) for meter in load(text(ECOSYSTEM)).meters if meter.id == "energy"]
        with reading(self.database, ECOSYSTEM) as store:
            return sum(each.quantity for each in store.quantities(None, datetime.now(UTC)) if each.meter_hash == hashed)

    def fates(self) -> dict[str, int]:
        with reading(self.database, ECOSYSTEM) as store:
            fates = store.fates(None, datetime.now(UTC) + timedelta(hours=1))
        return {fate.value: count for fate, count in fates.items() if count}

    def rejected(self) -> dict[str, int]:
        return {row.key.reason: row.count for row in list_rejected(self.database, ECOSYSTEM) if row.count}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.fixture
def foreign(database: Database) -> Foreign:
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "Boulder", {"city-of-boulder": "City"})
    document = text(ECOSYSTEM)
    registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))
    devices = [NewDevice(name=name, operator="city-of-boulder", roles={}) for name in ("plug", "other")]
    registry.ensure_devices(ECOSYSTEM, devices, BEGINNING)
    return Foreign(database, registry)


def test_a_message_counts_once_however_often_it_comes(foreign: Foreign) -> None:
    one, two = {"id": "a", "wh": 5}, {"id": "b", "wh": 7}
    assert foreign.send(one, two, one) == {Effect.BOOKED: 2, Effect.DUPLICATE: 1}
    assert foreign.send(two, one, gateway=foreign.gateway("two")) == {Effect.DUPLICATE: 2}
    assert foreign.send(one | {"who": "other"}) == {Effect.BOOKED: 1}, "its id is its device's own"
    assert foreign.energy_wh() == 17
    assert foreign.fates() == {"mapped": 3}


def test_another_message_under_the_same_identity_is_rejected_once_and_changes_nothing(foreign: Foreign) -> None:
    foreign.send({"id": "a", "wh": 5})
    assert foreign.send({"id": "a", "wh": 6}) == {Effect.REJECTED: 1}
    assert foreign.send({"id": "a", "wh": 6}, {"id": "a", "wh": 5}) == {Effect.DUPLICATE: 2}
    assert foreign.send({"id": "b", "wh": 1}, {"id": "b", "wh": 2}) == {Effect.BOOKED: 1, Effect.REJECTED: 1}
    assert (foreign.rejected(), foreign.energy_wh()) == ({"conflict": 2}, 6)
    assert count_unreadable(foreign.database, ECOSYSTEM) == 2


def test_a_later_version_of_the_profile_counts_nothing_again(foreign: Foreign) -> None:
    foreign.send({"id": "a", "wh": 5})
    wider = [PROFILE["events"][0] | {"quantity": {"from": "wh", "unit": "kWh"}}]
    foreign.source(2, events=wider)
    assert foreign.send({"id": "a", "wh": 5}, {"id": "b", "wh": 5}, version=2) == {
        Effect.BOOKED: 1,
        Effect.DUPLICATE: 1,
    }
    assert foreign.energy_wh() == 5005


def test_one_version_of_a_profile_says_one_thing(foreign: Foreign) -> None:
    foreign.source(1)
    foreign.sources.clear()
    foreign.source(1)
    foreign.sources.clear()
    with pytest.raises(SetupError, match="raise its version"):
        foreign.source(1, name="Another")


def test_what_was_unreadable_is_booked_once_it_can_be_read(foreign: Foreign) -> None:
    unreadable = {"id": "a", "wh": "5 Wh"}
    assert foreign.send(unreadable, {"id": "b", "wh": ""}) == {Effect.REJECTED: 2}
    assert foreign.send(unreadable) == {Effect.DUPLICATE: 1}
    assert foreign.rejected() == {"bad_number": 1, "missing": 1}
    assert foreign.send({"id": "b", "wh": 3}, {"id": "b", "wh": 3}) == {Effect.BOOKED: 1, Effect.DUPLICATE: 1}
    assert (foreign.rejected(), foreign.energy_wh(), foreign.fates()) == ({"bad_number": 1}, 3, {"mapped": 1})
    assert count_unreadable(foreign.database, ECOSYSTEM) == 1
    foreign.source(2, events=[PROFILE["events"][0] | {"quantity": {"const": 9}}])
    assert foreign.send(unreadable, version=2) == {Effect.BOOKED: 1}
    assert (foreign.rejected(), foreign.energy_wh()) == ({}, 12)


def test_an_unknown_device_is_rejected_until_it_is_registered_and_a_revoked_one_from_then_on(foreign: Foreign) -> None:
    stranger = {"who": "stranger", "id": "a", "wh": 5}
    assert foreign.send(stranger) == {Effect.REJECTED: 1}
    new = [NewDevice(name="stranger", operator="city-of-boulder", roles={})]
    foreign.registry.ensure_devices(ECOSYSTEM, new, BEGINNING)
    assert foreign.send(stranger) == {Effect.BOOKED: 1}
    foreign.registry.deactivate(ECOSYSTEM, "stranger")
    assert foreign.send(stranger | {"id": "b"}) == {Effect.REJECTED: 1}
    assert foreign.rejected() == {"revoked_device": 1}


def test_a_gateway_with_an_old_picture_of_the_registry_makes_a_new_one(foreign: Foreign) -> None:
    gateway = foreign.gateway()
    foreign.send({"id": "a", "wh": 5}, gateway=gateway)
    foreign.registry.deactivate(ECOSYSTEM, "other")
    assert foreign.send({"who": "other", "id": "b", "wh": 5}, gateway=gateway) == {Effect.REJECTED: 1}


def test_a_register_counts_by_differences_with_resets_and_one_row_of_state(foreign: Foreign) -> None:
    course = [1000, 1500, 1500, 400, 900]
    for step, value in enumerate(course):
        foreign.send({"register": value, "at": NOON_MS + step})
    assert foreign.energy_wh() == 500 + 0 + 400 + 500
    again = [{"register": value, "at": NOON_MS + step} for step, value in enumerate(course)]
    assert foreign.send(*again) == {Effect.NO_DIFFERENCE: 5}
    assert foreign.energy_wh() == 1400
    assert foreign.rows("select counter, value, at_ms from counter_state") == [("test/main", 900, NOON_MS + 4)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    increments=st.lists(st.integers(0, 50), min_size=1, max_size=12),
    data=st.data(),
)
def test_any_portions_of_readings_with_repetitions_count_what_was_used(foreign: Foreign, increments, data) -> None:
    name = f"plug-{data.draw(st.integers(0, 10**9))}"
    new = [NewDevice(name=name, operator="city-of-boulder", roles={})]
    foreign.registry.ensure_devices(ECOSYSTEM, new, BEGINNING)
    before, value, readings = foreign.energy_wh(), 7, [{"who": name, "register": 7, "at": NOON_MS}]
    for step, more in enumerate(increments, start=1):
        value += more
        readings.append({"who": name, "register": value, "at": NOON_MS + step})
    counted = foreign.rows("select d.name from counter_state c join device d on d.id = c.device")
    at = 0
    while at < len(readings):
        end = data.draw(st.integers(at + 1, len(readings)))
        first = data.draw(st.integers(0, at))
        foreign.send(*readings[first:end])
        at = end
    if (name,) not in counted:
        assert foreign.energy_wh() - before == sum(increments)


def test_gateways_that_take_the_same_messages_at_once_count_them_once(foreign: Foreign) -> None:
    source, other = foreign.source(1), foreign.source(2)
    payloads: list[dict[str, Any]] = [{"id": str(number), "wh": 1} for number in range(300)]
    payloads += [{"register": number, "at": NOON_MS + number} for number in range(50)]
    effects: list[Counter[Effect]] = []

    def work(name: str, own: ForeignSource) -> None:
        gateway = foreign.gateway(name)
        for start in range(0, len(payloads), 35):
            messages = [foreign.message(own, each) for each in payloads[start : start + 35]]
            effects.append(gateway.commit(own, messages).effects)

    threads = [threading.Thread(target=work, args=(f"g{n}", (source, other)[n % 2])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(effects, Counter())
    assert total[Effect.BOOKED] == 300 + 49
    assert total.total() == 4 * 350
    assert foreign.energy_wh() == 300 + 49


def test_events_are_stored_as_unsigned_batches_that_lead_back_to_their_message(foreign: Foreign) -> None:
    foreign.send({"id": "a", "wh": 5}, {"id": "b", "wh": 6})
    rows = foreign.rows("""
        select b.payload, v.version, v.document from source_key k
        join batch b on b.device = k.device and b.boot = k.version and b.first_seq = k.seq
        join profile_version v on v.id = k.version order by b.first_seq
    """)
    assert [version for _, version, _ in rows] == [1, 1]
    assert json.loads(rows[0][2]) == PROFILE
    for wh, (payload, _, _) in zip((5, 6), rows, strict=True):
        batch = forms.decode(bytes(payload))
        assert is_unsigned(batch.header)
        assert batch.events == (Event(NOON_MS, "charging.session", wh, False, {"site": "home", "co2_grams": 1}),)
    quarter = timedelta(minutes=15)
    period = measured_period(foreign.database, ECOSYSTEM)
    assert period is not None
    assert period[1] - period[0] == quarter


def test_a_new_meter_is_fed_from_them_and_an_assignment_moves_them(foreign: Foreign) -> None:
    foreign.send(*[{"id": str(number), "wh": number, "site": f"s{number % 3}"} for number in range(20)])
    changed = text(ECOSYSTEM).replace(
        "kind: charging.session, unit: Wh,", "kind: charging.session, value: quantity * 2, unit: Wh,"
    )
    design = load(changed)
    foreign.registry.activate_design(ECOSYSTEM, changed, content_hash(design), datetime.now(UTC))
    hashed = next(meter_hash(meter) for meter in design.meters if meter.id == "energy")
    with reading(foreign.database, ECOSYSTEM) as store:
        found = store.quantities(None, datetime.now(UTC), meters=[hashed])
    assert sum(each.quantity for each in found if each.meter_hash == hashed) == 2 * sum(range(20))
    roles = {"site": "city-of-boulder"}
    new = foreign.registry.assign(ECOSYSTEM, "plug", roles, datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC))
    with reading(foreign.database, ECOSYSTEM) as store:
        found = store.quantities(None, datetime.now(UTC), meters=[hashed])
    moved = [each.quantity for each in found if each.meter_hash == hashed and each.assignment_id == new]
    assert sum(moved) == 2 * sum(range(20))


def test_an_event_that_a_meter_refuses_is_booked_by_a_replay_after_a_fix(foreign: Foreign) -> None:
    assert foreign.send({"id": "a", "wh": 5, "co2": ""}) == {Effect.BOOKED: 1}
    assert (foreign.rejected(), foreign.fates(), foreign.energy_wh()) == ({"unmeasurable": 1}, {"rejected": 1}, 0)
    fixed = text(ECOSYSTEM).replace("attributes.co2_grams", "'has(attributes.co2_grams) ? attributes.co2_grams : 0'")
    foreign.registry.activate_design(ECOSYSTEM, fixed, content_hash(load(fixed)), datetime.now(UTC))
    assert Replay(foreign.database, ECOSYSTEM, ROOT_KEY).run().events == 1
    assert (foreign.rejected(), foreign.fates(), foreign.energy_wh()) == ({}, {"mapped": 1}, 5)


def test_times_ahead_of_the_clock_are_refused_like_those_of_our_devices(foreign: Foreign) -> None:
    tomorrow_ms = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    foreign.send({"id": "a", "wh": 5, "at": tomorrow_ms})
    assert (foreign.rejected(), foreign.energy_wh()) == ({"clock_ahead": 1}, 0)


def test_nobody_can_send_an_unsigned_batch(world: World) -> None:
    batch = unsigned_batch(Event(NOON_MS, "charging.session", 5, False, {"emsp": "volt-pass"}), 1, 0, 1)
    world.source.put(device_topic("ev-test", "cp-01", Channel.EVENTS_JSON), batch)
    world.pipeline.step()
    assert world.rows("select reason from rejection") == [("unknown_key_version",)]
    assert world.rows("select count(*) from batch") == [(0,)]
    assert Fate.MAPPED.value not in {row[0] for row in world.rows("select outcome from tally")}
