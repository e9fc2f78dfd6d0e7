from __future__ import annotations

from collections import Counter
from itertools import islice
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg_edge import charging_statistics as real
from thalweg_edge.generator import DAY_MS, GeneratedSessions
from thalweg_edge.sessions import ChargingSession, provider_of

FIRST_MS = 1_700_000_000_000
DEVICES = [f"cp-{number:02}" for number in range(60)]


@pytest.fixture(scope="module")
def many() -> list[ChargingSession]:
    source = GeneratedSessions(7, FIRST_MS, FIRST_MS + 100 * DAY_MS, sessions_per_100_days=100)
    return [session for device in DEVICES for session in source.sessions_after(device, None)]


def days(seed: int, number: int = 40) -> GeneratedSessions:
    return GeneratedSessions(seed, FIRST_MS, FIRST_MS + number * DAY_MS, sessions_per_100_days=150)


@given(st.integers(0, 1 << 32), st.sampled_from(DEVICES))
def test_the_same_seed_and_device_give_the_same_sessions_and_another_device_others(seed: int, device: str) -> None:
    first, second, other = (list(days(seed).sessions_after(name, None)) for name in (device, device, f"{device}-other"))
    assert first == second
    assert first != other


@given(st.integers(0, 1 << 32), st.data())
def test_the_sessions_behind_any_session_are_the_rest_of_all(seed: int, data: st.DataObject) -> None:
    everything = list(days(seed).sessions_after("cp-01", None))
    at = data.draw(st.integers(0, len(everything) - 1))
    assert list(days(seed).sessions_after("cp-01", everything[at].id)) == everything[at + 1 :]


@given(st.integers(0, 1 << 32))
def test_sessions_come_by_their_end_with_ids_of_their_own_and_end_in_time(seed: int) -> None:
    sessions = list(days(seed).sessions_after("cp-01", None))
    assert sessions == sorted(sessions, key=lambda session: session.end_ms)
    assert len({session.id for session in sessions}) == len(sessions)
    assert all(session.end_ms <= FIRST_MS + 40 * DAY_MS for session in sessions)
    assert all(session.end_ms - session.start_ms == session.duration_seconds * 1000 for session in sessions)
    assert all(type(value) is int for session in sessions for value in (session.energy_wh, session.end_ms))


def test_without_an_end_they_go_on() -> None:
    endless = GeneratedSessions(1, FIRST_MS)
    assert endless.count("cp-01") is None
    assert len(list(islice(endless.sessions_after("cp-01", None), 200))) == 200


def test_a_history_that_begins_later_still_continues_behind_the_last_session_of_an_earlier_run() -> None:
    earlier = list(days(3).sessions_after("cp-01", None))
    later = GeneratedSessions(3, FIRST_MS + 30 * DAY_MS, FIRST_MS + 60 * DAY_MS, sessions_per_100_days=150)
    following = list(later.sessions_after("cp-01", earlier[9].id))
    assert following[:10] == earlier[10:20]


def test_energy_connected_time_and_empty_sessions_are_like_those_of_real_stations(many: list[ChargingSession]) -> None:
    energies = [session.energy_wh for session in many]
    assert mean(energies) == pytest.approx(real.MEAN_ENERGY_OF_ALL_WH, rel=0.05)
    assert mean(energy for energy in energies if energy) == pytest.approx(real.MEAN_ENERGY_WH, rel=0.05)
    assert energies.count(0) / len(many) == pytest.approx(real.EMPTY_SESSIONS_PER_MILLE / 1000, rel=0.15)
    assert median(session.duration_seconds for session in many) == pytest.approx(real.MEDIAN_DURATION_SECONDS, rel=0.05)
    assert all(session.energy_wh * 3600 <= session.duration_seconds * real.MAX_POWER_W + 3600 for session in many)


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
