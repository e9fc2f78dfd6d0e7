"""Real input through the firmware, MQTT, gateway, store and API."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from worlds.demo import demo_check, open_folder
from worlds.session_files import energy_sum_wh, write_sessions

pytestmark = pytest.mark.slow
VARIABLE = "THALWEG_TEST_SESSIONS"


def expect_exact_accounts(verdict: dict[str, Any], rows: int, energy_wh: int) -> None:
    """Everything that the example's terms make of `energy_wh` in `rows` sessions."""
    assert verdict["file"]["rows"] == verdict["file"]["sessions"] + verdict["file"]["rejected"] == rows
    assert verdict["quantities"] == {"energy": energy_wh, "sessions": rows, "occupancy": rows}
    assert verdict["events_recorded"] == verdict["events_committed"] == verdict["mapped"] == 2 * rows
    assert (verdict["gaps"], verdict["conflicts"], verdict["rejected"], verdict["unmapped"]) == (0, 0, 0, 0)
    kwh = Decimal(energy_wh) / 1000
    shares = {name: Decimal(amount) for name, amount in verdict["shares"].items()}
    assert Decimal(verdict["gross"]) == kwh * Decimal("0.50")
    assert shares["river-power"] == kwh * Decimal("0.20")
    assert shares["roam-hub"] == kwh * Decimal("0.05")
    assert shares["volt-pass"] + shares["e-roamer"] == kwh * Decimal("0.10")
    hosts = sum(shares[name] for name in ("mall-42", "library", "rec-center"))
    net = kwh * Decimal("0.15")
    atoms = Decimal("1E-8")
    assert abs(hosts - net / 10) <= 6 * atoms, "a line for each host and provider, each rounded once"
    assert sum(shares.values()) == Decimal(verdict["gross"])


def test_every_session_of_the_real_file_becomes_exact_money(repository: Path) -> None:
    named = os.environ.get(VARIABLE)
    default = repository.parent / "shared" / "data" / "boulder_charging_sessions_2018_2021.csv"
    path = Path(named) if named else default
    if not path.is_file():
        pytest.skip(f"the City of Boulder's open data file is not here; name it in {VARIABLE}")
    rows, energy_wh = energy_sum_wh(path)
    with open_folder() as folder, demo_check(folder, "--sessions", str(path)) as demo:
        expect_exact_accounts(demo.verdict(), rows, energy_wh)


def test_every_session_of_a_file_of_the_same_shape_becomes_exact_money() -> None:
    with open_folder() as folder:
        path = folder / "sessions.csv"
        write_sessions(path, count=600, stations=7)
        rows, energy_wh = energy_sum_wh(path)
        with demo_check(folder / "data", "--sessions", str(path)) as demo:
            verdict = demo.verdict()
            assert verdict["file"]["repaired"] == 1
            expect_exact_accounts(verdict, rows, energy_wh)


def test_a_second_start_on_the_same_data_adds_nothing_twice() -> None:
    with open_folder() as folder:
        path = folder / "sessions.csv"
        write_sessions(path, count=60, stations=3)
        rows, energy_wh = energy_sum_wh(path)
        with demo_check(folder / "data", "--sessions", str(path)) as demo:
            expect_exact_accounts(demo.verdict(), rows, energy_wh)
        with demo_check(folder / "data", "--sessions", str(path)) as demo:
            out, _ = demo.process.communicate(timeout=300)
        assert '"no event was committed"' in out, "a check without new events must not claim to have seen any"
        assert f'"energy": {energy_wh}' in out
