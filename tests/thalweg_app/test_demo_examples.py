from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thalweg.design import Design
from thalweg.examples import example
from thalweg_app.commands import app
from thalweg_app.demo_examples import EXAMPLES, Example
from thalweg_edge.generators import GENERATORS

EVERY = pytest.mark.parametrize("one", EXAMPLES.values(), ids=EXAMPLES)


@EVERY
def test_an_example_fills_the_roles_of_its_design_and_names_everybody(one: Example) -> None:
    design: Design = example(one.id)
    filled = {node.id for node in design.nodes if node.participant or node.from_attribute or node.parent}
    parts = {node.parent for node in design.nodes}
    assert {node.id for node in design.nodes} - filled - parts <= set(one.roles)
    named = {node.participant for node in design.nodes if node.participant} | {one.operator}
    assert named | {each for fillers in one.roles.values() for each in fillers} <= set(one.participants)


@EVERY
def test_a_check_counts_each_meter_of_the_design_and_charges_that_are_in_it(one: Example) -> None:
    design = example(one.id)
    assert set(one.meters) == {meter.id for meter in design.meters}
    assert {counted.kind for counted in one.meters.values()} == set(GENERATORS[one.generator].kinds)
    assert set(one.prices) <= {tariff.on for tariff in design.tariffs}


def test_what_devices_did_is_measured_and_charged_by_hand() -> None:
    kinds = {"scooter.ride": {"events": 2, "quantity": 1_440}, "location": {"events": 30, "quantity": 86_400}}
    scooters = EXAMPLES["scooters"]
    assert scooters.quantities(kinds) == {
        "ride-time": 1_440, "rides": 2, "street-time": 86_400, "location-reports": 30
    }  # fmt: skip
    assert scooters.charges(kinds)["ride-fee"] == Decimal("5.60"), "two rides of 12 minutes"
    assert scooters.quantities({}) == dict.fromkeys(scooters.meters, 0)


def test_an_unknown_example_is_refused_with_the_names_that_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--example", "boats", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "there is no example 'boats': write one of ev-charging, scooters, air-quality" in done.output


def test_charging_sessions_drive_charge_points_only(tmp_path: Path) -> None:
    options = ["--example", "scooters", "--data", str(tmp_path / "data"), "--sessions", "sessions.csv"]
    done = CliRunner().invoke(app, ["demo", *options])
    assert done.exit_code == 2
    assert "charging sessions cannot drive scooters" in done.output
    assert not (tmp_path / "data").exists()


def test_its_help_names_the_examples() -> None:
    said = CliRunner().invoke(app, ["demo", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in said for name in EXAMPLES)
