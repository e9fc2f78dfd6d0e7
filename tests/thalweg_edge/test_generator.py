from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import groupby, islice, pairwise
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg_edge.activities import Activity
from thalweg_edge.charging_sessions import ChargingSession, provider_of
from thalweg_edge.generators import GENERATORS
from thalweg_edge.generators import charging_statistics as real
from thalweg_edge.generators.charging import ChargePoint
from thalweg_edge.generators.days import DAY_MS, GeneratedActivities, draws_of

FIRST_DAY = 19_675
FIRST_MS = FIRST_DAY * DAY_MS + 47_000_000
DEVICES = [f"cp-{number:02}" for number in range(60)]
BUSY = ChargePoint(sessions_per_100_days=150)
SEEDS = st.integers(0, 1 << 32)
NAMES = st.sampled_from(sorted(GENERATORS))


@pytest.fixture(scope="module")
def many() -> list[ChargingSession]:
    charge_point = ChargePoint(sessions_per_100_days=100)
    draws = {device: partial(draws_of, 7, device) for device in DEVICES}
    days = range(FIRST_DAY, FIRST_DAY + 100)
    return [session for each in draws.values() for day in days for session in charge_point.sessions(each, day)]


def days_of(name: str, seed: int, number: int = 12) -> GeneratedActivities:
    generator = BUSY if name == "charging" else GENERATORS[name]
    return GeneratedActivities(generator, seed, FIRST_MS, FIRST_MS + number * DAY_MS)


def quantities(activities: list[Activity], kind: str) -> list[int]:
    return [event.quantity for activity in activities for event in activity.events if event.kind == kind]


@given(NAMES, SEEDS)
def test_the_same_seed_and_device_give_the_same_and_another_device_or_seed_others(name: str, seed: int) -> None:
    first, second = (list(days_of(name, seed).activities_after("cp-01", None)) for _ in range(2))
    assert first == second
    assert first != list(days_of(name, seed).activities_after("cp-02", None))
    assert first != list(days_of(name, seed + 1).activities_after("cp-01", None))


@given(NAMES, SEEDS, st.data())
def test_what_is_behind_any_activity_is_the_rest_of_all(name: str, seed: int, data: st.DataObject) -> None:
    everything = list(days_of(name, seed).activities_after("cp-01", None))
    at = data.draw(st.integers(0, len(everything) - 1))
    assert list(days_of(name, seed).activities_after("cp-01", everything[at].id)) == everything[at + 1 :]


@given(NAMES, SEEDS)
def test_activities_come_by_their_time_with_ids_of_their_own_and_end_in_time(name: str, seed: int) -> None:
    activities = list(days_of(name, seed).activities_after("cp-01", None))
    moments = [(activity.at_ms, activity.id) for activity in activities]
    assert moments == sorted(moments)
    assert len({activity.id for activity in activities}) == len(activities)
    assert all(FIRST_DAY * DAY_MS <= at_ms <= FIRST_MS + 12 * DAY_MS for at_ms, _ in moments)


@given(NAMES, SEEDS)
def test_events_are_what_the_kinds_declare_and_the_last_one_holds_the_id(name: str, seed: int) -> None:
    kinds = GENERATORS[name].kinds
    for activity in days_of(name, seed, 2).activities_after("cp-01", None):
        for event in activity.events:
            given_names = {*event.attributes, *(["to"] if event.to else [])}
            assert given_names == set(kinds[event.kind].fields)
            assert event.quantity >= 0
            assert all(type(value) in (int, str) for value in (event.quantity, *event.attributes.values()))
        last = activity.events[-1]
        assert last.attributes[str(kinds[last.kind].numbered_by)] == activity.id


@pytest.mark.parametrize("name", GENERATORS)
def test_without_an_end_they_go_on(name: str) -> None:
    endless = GeneratedActivities(GENERATORS[name], 1, FIRST_MS)
    assert endless.count("cp-01") is None
    assert len(list(islice(endless.activities_after("cp-01", None), 200))) == 200


@pytest.mark.parametrize("name", GENERATORS)
def test_a_history_that_begins_later_still_continues_behind_the_last_activity_of_an_earlier_run(name: str) -> None:
    earlier = list(days_of(name, 3, 40).activities_after("cp-01", None))
    later = GeneratedActivities(
        BUSY if name == "charging" else GENERATORS[name], 3, FIRST_MS + 30 * DAY_MS, FIRST_MS + 60 * DAY_MS
    )
    following = list(later.activities_after("cp-01", earlier[9].id))
    assert following[:10] == earlier[10:20]


def test_energy_connected_time_and_empty_sessions_are_like_those_of_real_stations(many: list[ChargingSession]) -> None:
    energies = [session.energy_wh for session in many]
    assert mean(energies) == pytest.approx(real.MEAN_ENERGY_OF_ALL_WH, rel=0.05)
    assert mean(energy for energy in energies if energy) == pytest.approx(real.MEAN_ENERGY_WH, rel=0.05)
    assert energies.count(0) / len(many) == pytest.approx(real.EMPTY_SESSIONS_PER_MILLE / 1000, rel=0.15)
    assert median(session.duration_seconds for session in many) == pytest.approx(real.MEDIAN_DURATION_SECONDS, rel=0.05)
    assert all(session.energy_wh * 3600 <= session.duration_seconds * real.MAX_POWER_W + 3600 for session in many)
    assert all(session.end_ms - session.start_ms == session.duration_seconds * 1000 for session in many)


def test_sessions_start_at_the_hours_and_as_often_as_real_ones(many: list[ChargingSession]) -> None:
    hours = Counter(session.start_ms // 3_600_000 % 24 for session in many)
    for hour, per_mille in enumerate(real.STARTS_BY_HOUR_PER_MILLE):
        assert hours[hour] * 1000 / len(many) == pytest.approx(per_mille, abs=12)
    assert len(many) == pytest.approx(100 * len(DEVICES), rel=0.05)


def test_providers_share_the_sessions_as_weighted_and_a_session_keeps_its_provider() -> None:
    counts = Counter(provider_of(number) for number in range(10_000))
    assert counts == Counter(provider_of(number) for number in range(10_000))
    assert counts["volt-pass"] == pytest.approx(6_000, rel=0.03)
    assert counts["volt-pass"] + counts["e-roamer"] == 10_000


@given(SEEDS, st.integers(FIRST_DAY, FIRST_DAY + 1_000))
def test_a_scooters_reports_cover_its_day_on_the_street_and_it_is_ridden_by_one_at_a_time(seed: int, day: int) -> None:
    activities = GENERATORS["scooters"].day(partial(draws_of, seed, "scooter-01"), day)
    assert sum(quantities(activities, "location")) == (86_400 if activities else 0)
    rides = [
        (activity.at_ms - 1000 * event.quantity, activity.at_ms)
        for activity in activities
        for event in activity.events
        if event.kind == "scooter.ride"
    ]
    assert all(end < begin for (_, end), (begin, _) in pairwise(rides))
    reports = [activity.at_ms for activity in activities if activity.events[-1].kind == "location"]
    assert {end for _, end in rides} <= set(reports), "whoever parks a scooter, the city learns where"


def test_scooters_are_ridden_some_minutes_a_few_times_a_day_and_now_and_then_repaired() -> None:
    source = days_of("scooters", 1, 60)
    activities = [each for scooter in DEVICES for each in source.activities_after(scooter, None)]
    seconds = quantities(activities, "scooter.ride")
    assert 8 * 60 < median(seconds) < 13 * 60
    assert 2 < len(seconds) / len(DEVICES) / 60 < 5
    on_the_street = sum(quantities(activities, "location")) / 86_400 / len(DEVICES) / 60
    assert 0.9 < on_the_street < 1


@given(SEEDS)
def test_a_sensor_reads_every_ten_minutes_but_for_outages_and_lost_messages(seed: int) -> None:
    activities = list(days_of("air-quality", seed).activities_after("sensor-01", None))
    pauses = {later.at_ms - earlier.at_ms for earlier, later in pairwise(activities)}
    assert all(pause % 600_000 == 0 for pause in pauses)
    assert Counter(activity.at_ms // DAY_MS for activity in activities).most_common(1)[0][1] <= 144
    sizes = set(quantities(activities, "air.reading"))
    assert min(sizes) == 24
    assert max(sizes) <= 30


def test_sensors_are_kept_with_more_and_with_less_care() -> None:
    source = days_of("air-quality", 1, 60)
    counts = [len(list(source.activities_after(sensor, None))) for sensor in DEVICES]
    assert max(counts) - min(counts) > 500
    assert all(count > 60 * 100 for count in counts)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_bill_is_stored_at_once_and_what_is_no_bill_may_wait(name: str) -> None:
    activities = sorted(days_of(name, 1).activities_after("cp-01", None), key=lambda each: each.events[-1].kind)
    finals = {
        kind: {each.is_final for each in some} for kind, some in groupby(activities, lambda each: each.events[-1].kind)
    }
    expected = {"charging.session": {True}, "scooter.ride": {True}, "location": {False}, "air.reading": {False}}
    assert finals == {kind: expected[kind] for kind in finals}
