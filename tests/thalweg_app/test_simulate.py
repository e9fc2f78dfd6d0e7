"""Versions of designs and `thalweg simulate` on a real store: a scan says what an activation would have measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg_app.commands import app
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.retention import drop_bytes
from worlds.gateway import ECOSYSTEM, NOON_MS, World, charge, make_world, occupancy

pytestmark = pytest.mark.slow

DESIGN = text("ev-charging")
#: half of the net for the host, and no small charges
OTHER = DESIGN.replace("percent_of_gross: 10}", "percent_of_gross: 50}").replace(
    "unit: Wh\n", "unit: Wh\n    where: quantity > 100\n"
)
#: a tenth of the first 2.00 of net that ever came, and half of what is beyond
LIFELONG = DESIGN.replace(
    "percent_of_gross: 10}", 'tiered: {on: gross, per: lifetime, mode: graduated, tiers: [["2", 10], [null, 50]]}}'
)
DAY_MS = 86_400_000
START = quarter_hour(datetime.fromtimestamp(NOON_MS / 1000, UTC))
WINDOW = ("--from", START.isoformat(), "--to", (START + timedelta(hours=1)).isoformat())


@pytest.fixture
def world(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Sessions of 10 kWh and of 50 Wh, one of them beside an event that is refused, one later than the window."""
    monkeypatch.setenv("THALWEG_DATABASE_URL", database_url)
    monkeypatch.delenv("THALWEG_ECOSYSTEM", raising=False)
    made = make_world(database)
    ahead_ms = int(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    made.send(made.batch(charge(10_000), charge(50), occupancy()))
    made.send(made.batch(charge(10_000), charge(10, ahead_ms), boot=8))
    made.send(made.batch(charge(7_000, NOON_MS + 7_200_000), boot=9))
    made.pipeline.step()
    return made


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.yaml"
    path.write_text(OTHER, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def answered(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_a_scan_finds_is_what_an_activation_measures(world: World, other: Path) -> None:
    before = world.rows("select count(*) from rollup union all select count(*) from flow")
    scanned = answered("simulate", "--design", 1, "--against", other, *WINDOW)
    assert scanned["scanned_meters"] == ["energy"]
    assert world.rows("select count(*) from rollup union all select count(*) from flow") == before
    assert answered("design", "activate", other)["version"] == 2
    fed = answered("simulate", "--design", 1, "--against", 2, *WINDOW)
    assert fed["scanned_meters"] == []
    assert fed["result_hash"] == scanned["result_hash"]
    # of 20 kWh × (0.35 - 0.20) a half; before, of 20.05 kWh a tenth; less 0.05 for the ground of each of 3 sessions
    host = fed["participants"]["mall-42"]
    assert (host["new"], host["old"], host["delta"]) == ("1.35", "0.15075", "1.19925")


@pytest.mark.usefixtures("world")
def test_people_see_who_wins_and_who_loses(other: Path) -> None:
    shown = run("simulate", "--design", "ev-charging", "--against", other, *WINDOW)
    assert shown.exit_code == 0, shown.output
    for words in ("mall-42", "1.19925", "Pareto improvement: no", "measured anew from stored events: energy"):
        assert words in shown.stdout


@pytest.mark.usefixtures("world")
def test_an_elasticity_changes_demand_and_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "dearer.yaml"
    path.write_text(DESIGN.replace('unit_price: "0.50"', 'unit_price: "0.60"'), encoding="utf-8")
    arguments = ("simulate", "--design", 1, "--against", path, *WINDOW)
    static, answering = answered(*arguments), answered(*arguments, "--elasticity", "charging-fee=-0.5")
    assert answering["demand"] == {"charging-fee": {"elasticity": "-0.5", "price_ratio": "1.2", "demand_ratio": "0.9"}}
    assert static["created"]["delta"] == "0.00"
    assert answering["created"]["delta"].startswith("-")
    assert static["result_hash"] != answering["result_hash"]


@pytest.fixture
def long_ago(world: World) -> World:
    """The same, and a session of 10 kWh forty days before, in another period."""
    world.send(world.batch(charge(10_000, NOON_MS - 40 * DAY_MS), boot=10))
    world.pipeline.step()
    return world


def captured(design: object, *window: str) -> dict[str, str]:
    """What the host captures under the design in force, and under `design`, for its ground at 0.05 a session."""
    return answered("simulate", "--design", 1, "--against", design, *window)["participants"]["mall-42"]


@pytest.mark.usefixtures("long_ago")
def test_tiers_of_a_lifetime_go_on_from_all_that_was_before_the_window(tmp_path: Path) -> None:
    path = tmp_path / "lifelong.yaml"
    path.write_text(LIFELONG, encoding="utf-8")
    later = ("--from", (START + timedelta(hours=2)).isoformat(), "--to", (START + timedelta(hours=3)).isoformat())
    both = ("--from", START.isoformat(), "--to", (START + timedelta(hours=3)).isoformat())
    everything = ("--from", (START - timedelta(days=41)).isoformat(), "--to", (START + timedelta(hours=3)).isoformat())
    # 1.50 of net was before: of 3.0075 the first 0.50 is in the first tier, and 3 sessions took ground
    assert captured(path, *WINDOW) == {"old": "0.15075", "new": "1.15375", "delta": "1.003"}
    # then everything is in the second tier
    assert captured(path, *later) == {"old": "0.055", "new": "0.475", "delta": "0.42"}
    assert captured(path, *both)["new"] == "1.62875"
    assert captured(path, *everything)["new"] == "1.72875"


def test_tiers_of_a_lifetime_are_the_same_for_a_meter_that_is_scanned_and_one_that_is_fed(
    long_ago: World, tmp_path: Path
) -> None:
    path = tmp_path / "lifelong.yaml"
    path.write_text(LIFELONG.replace("unit: Wh\n", "unit: Wh\n    where: quantity > 100\n"), encoding="utf-8")
    scanned = answered("simulate", "--design", 1, "--against", path, *WINDOW)
    assert scanned["scanned_meters"] == ["energy"]
    assert scanned["participants"]["mall-42"]["new"] == "1.15"  # 50 Wh less: half of 0.0075
    assert answered("design", "activate", path)["version"] == 2
    fed = answered("simulate", "--design", 1, "--against", 2, *WINDOW)
    assert fed["scanned_meters"] == []
    assert fed["result_hash"] == scanned["result_hash"]
    drop_bytes(long_ago.database, ECOSYSTEM, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    assert answered("simulate", "--design", 1, "--against", 2, *WINDOW)["result_hash"] == scanned["result_hash"]
    path.write_text(path.read_text().replace("quantity > 100", "quantity > 99"), encoding="utf-8")
    refused = run("simulate", "--design", 1, "--against", path, *WINDOW)
    assert refused.exit_code == 2
    assert "meter 'energy' is covered from" in refused.output


def test_a_design_without_a_past_may_have_a_meter_that_is_covered_for_the_window_alone(
    world: World, tmp_path: Path
) -> None:
    lifelong, with_new_meter = tmp_path / "lifelong.yaml", tmp_path / "new.yaml"
    lifelong.write_text(LIFELONG, encoding="utf-8")
    new_meter = "meters:\n  - {id: large, name: Large, kind: charging.session, unit: Wh, where: quantity > 100}\n"
    with_new_meter.write_text(DESIGN.replace("meters:\n", new_meter), encoding="utf-8")
    drop_bytes(world.database, ECOSYSTEM, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    assert answered("design", "activate", with_new_meter)["version"] == 2
    start = quarter_hour(datetime.now(UTC) + timedelta(days=3))
    window = ("--from", start.isoformat(), "--to", (start + timedelta(hours=1)).isoformat())
    assert answered("simulate", "--design", 2, "--against", lifelong, *window)["scanned_meters"] == []


def test_a_meter_whose_events_are_not_kept_is_named(world: World, other: Path) -> None:
    drop_bytes(world.database, ECOSYSTEM, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    refused = run("simulate", "--design", 1, "--against", other, *WINDOW)
    assert refused.exit_code == 2
    assert "meter 'energy' is covered from" in refused.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--design", "7", *WINDOW), "no design version 7: there are versions 1 to 1"),
        (("--design", "1", *WINDOW, "--elasticity", "charging-fee"), "exchange=-0.5"),
        (("--design", "1", "--from", "2026-09-21T12:01:00Z", "--to", "2026-09-21T13:00:00Z"), "quarter hour"),
        (("--design", "1", "--from", "2026-09-21T13:00:00Z", "--to", "2026-09-21T13:00:00Z"), "later than"),
    ],
)
@pytest.mark.usefixtures("world")
def test_what_cannot_be_simulated_says_why(options: tuple[str, ...], words: str) -> None:
    refused = run("simulate", "--against", "ev-charging", *options)
    assert refused.exit_code == 2
    assert words in " ".join(refused.output.replace("│", "").split())


def test_versions_are_listed_with_their_times_and_hashes_and_can_be_compared(world: World, other: Path) -> None:
    (only,) = answered("design", "list")
    assert (only["version"], only["until"], only["hash"]) == (1, None, content_hash(load(DESIGN)))
    activated = run("design", "activate", other, "--ecosystem", ECOSYSTEM)
    assert activated.stdout.startswith("Version 2 of ev-test is in force")
    first, second = answered("design", "list")
    assert first["until"] == second["from"]
    assert second["hash"] == content_hash(load(OTHER))
    assert "in force" in run("design", "list").stdout
    assert answered("design", "diff", 1, 2)["exchanges"]
    assert answered("design", "show", 2)["hash"] == second["hash"]
    assert answered("design", "activate", 1) == {"ecosystem": ECOSYSTEM, "version": 3, "hash": first["hash"]}
    assert world.rows("select max(version) from design") == [(3,)]
