"""Each shipped example from its devices to money, and the command of its guide on what they did."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from thalweg_app.demo_examples import EXAMPLES
from worlds.brokers import wait_for
from worlds.demo import demo_check, get, link_in, open_folder, watched

pytestmark = pytest.mark.slow
#: to a participant each, for each device: what an agreement gives is rounded once for each of its lines
ATOM = Decimal("1E-8")


def verdict_of(folder: Path, name: str, *options: str) -> dict[str, Any]:
    with demo_check(folder, "--example", name, *options) as demo:
        verdict = demo.verdict()
    assert verdict["compared_with_devices"] is True
    assert verdict["events_recorded"] == verdict["events_committed"] == verdict["mapped"]
    assert (verdict["gaps"], verdict["conflicts"], verdict["rejected"], verdict["unmapped"]) == (0, 0, 0, 0)
    return verdict


def shares_of(verdict: dict[str, Any]) -> dict[str, Decimal]:
    shares = {name: Decimal(amount) for name, amount in verdict["shares"].items()}
    assert sum(shares.values()) == Decimal(verdict["gross"])
    return shares


def test_rides_of_scooters_become_exact_money() -> None:
    with open_folder() as folder:
        verdict = verdict_of(folder, "scooters", "--devices", "4")
    counted, shares = verdict["quantities"], shares_of(verdict)
    rides, fees = counted["rides"], counted["rides"] + counted["ride-time"] * Decimal("0.0025")
    assert shares["night-shift"] == rides * Decimal("1.72")
    assert shares["spoke-and-volt"] == rides * Decimal("0.51")
    assert shares["_rest-of-world"] == rides * Decimal("0.41")
    owners = shares["north-fund"] + shares["river-fund"]
    assert abs(owners - (fees - rides * Decimal("2.64")) / 2) <= 2 * rides * ATOM
    days = shares["rivertown"]
    assert days == int(days), "1.00 for each day of a scooter"
    assert 0 < days <= 4 * 32
    left = fees - rides * Decimal("2.64") - owners - days
    assert shares.get("glide", 0) == max(left, 0), "what the operator loses, it pays"


def test_readings_of_sensors_become_exact_money_also_over_two_starts() -> None:
    with open_folder() as folder:
        first = verdict_of(folder, "air-quality")
        second = verdict_of(folder, "air-quality")
    assert second["quantities"]["readings"] > first["quantities"]["readings"] > 3 * 20 * 144
    for verdict in (first, second):
        readings, shares = verdict["quantities"]["readings"], shares_of(verdict)
        assert Decimal(verdict["gross"]) == readings * Decimal("0.01")
        assert shares["open-ledger"] == readings * Decimal("0.0001")
        radio = shares["_rest-of-world"]
        assert shares["air-union"] == readings * Decimal("0.003") - radio
        assert readings * Decimal("0.00001") < radio < readings * Decimal("0.000011"), "a longer message now and then"
        members = readings * Decimal("0.0069")
        for name, weight in (("ann", 2), ("ben", 2), ("cem", 1)):
            assert abs(shares[name] - members * weight / 5) <= 3 * ATOM * readings


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_counterfactual_of_the_guide_runs_on_what_its_demonstration_did(name: str, repository: Path) -> None:
    guide = (repository / "docs" / "examples" / f"{name}.md").read_text(encoding="utf-8")
    [data] = set(re.findall(r"--data var/(\S+) --design", guide))
    options = ("--example", name, "--devices", str(EXAMPLES[name].device_count))
    with open_folder() as folder, watched(folder, *options, "--data", str(folder / data)) as (process, said):
        url, token = link_in(said)
        overview = f"{url}/api/v1/ecosystems/{name}/overview?window=24h"
        wait_for(lambda: tile(get(overview, token), "gross") > 0, "the history has got to the last day", 120)
        command = command_of(guide).replace("var/", f"{folder}/")
        command = command.replace(".venv/bin/thalweg", f"{sys.executable} -m thalweg_app.main")
        done = subprocess.run(["bash", "-ec", command], cwd=repository, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert process.poll() is None
    assert "value created" in done.stdout
    assert re.search(r"winners [1-9], losers [1-9],", done.stdout), "somebody would have had more, somebody less"


def tile(overview: Any, name: str) -> Decimal:
    [value] = [each["figure"]["value"] for each in overview["tiles"] if each["id"] == name]
    return Decimal(value or 0)


def command_of(guide: str) -> str:
    """The indented lines of the counterfactual's section, as they would be pasted."""
    section = guide.split("## The counterfactual worth trying")[1]
    return "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
