"""The verdict of `thalweg demo --check` on figures that agree with the devices, and on figures that do not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, cast

import pytest

from thalweg_app.demo_check import DemoCheck, Verdict
from thalweg_app.demo_examples import EXAMPLES
from thalweg_app.demo_progress import Progress
from thalweg_app.local_system import LocalSystem

#: two rides of 12 minutes, and a report
KINDS = {"scooter.ride": {"events": 2, "quantity": 1_440}, "location": {"events": 1, "quantity": 3_600}}
QUANTITIES = {"ride-time": 1_440, "rides": 2, "street-time": 3_600, "location-reports": 1}
CHARGES = {"ride-fee": ["2.80", "2.80"], "charging-pay": ["3.44"], "repair-pay": ["1.02"], "card-fee": ["0.82"]}


class Answers:
    """A system whose devices are done, and whose API says what it is given."""

    ecosystem = "scooters"

    def __init__(self, **changes: Any) -> None:
        self.supervisor = self
        self._asked = 0
        self._charges = CHARGES | changes.pop("charges", {})
        fates = dict.fromkeys(("gaps", "duplicates", "conflicts", "unmapped", "parked", "rejected", "undecodable"), 0)
        money = {"currency": "EUR", "gross": "5.60", "shares": {"night-shift": "5.60"}}
        self._accounting = {"committed": 3, "mapped": 3, "quantities": QUANTITIES, **fates, **money, **changes}

    def get(self, path: str, _token: str) -> dict[str, Any]:
        if "/overview?" in path:
            return {"flows": [{"exchange": e, "worth": worth} for e, many in self._charges.items() for worth in many]}
        self._asked += 1
        return self._accounting if self._asked > 1 else {**self._accounting, "committed": 0}

    def wait(self, _milliseconds: int) -> None:
        pass

    def report(self) -> dict[str, Any]:
        return {}


def verdict(folder: Path, answers: Answers, kinds: dict[str, dict[str, int]] | None = KINDS) -> Verdict:
    totals = {"recorded_before": 0, "recorded": 3, "restarts": 0, "handed_over": 3, "receipted": 3, "kinds": kinds}
    status = folder / "fleet.json"
    status.write_text(json.dumps({"state": "done", "totals": totals, "devices": []}))
    system = cast("LocalSystem", answers)
    return DemoCheck(system, "token", Progress(), time.monotonic(), EXAMPLES["scooters"]).run(status, None)


def test_what_agrees_with_the_devices_is_ok(tmp_path: Path) -> None:
    found = verdict(tmp_path, Answers())
    assert found.ok
    assert found.facts["compared_with_devices"] is True


@pytest.mark.parametrize(
    ("changes", "stage", "detail"),
    [
        ({"quantities": QUANTITIES | {"rides": 3}}, "map", "the quantities {'ride-time': 1440, 'rides': 2,"),
        ({"charges": {"ride-fee": ["2.80", "2.79"]}}, "money", "ride-fee 5.6000, not 5.59"),
        ({"charges": {"card-fee": []}}, "money", "card-fee 0.82, not 0"),
        ({"shares": {"night-shift": "5.59"}}, "money", "the shares do not sum to the gross"),
    ],
)
def test_a_figure_that_does_not_follow_from_what_devices_did_fails_at_its_stage(
    tmp_path: Path, changes: dict[str, Any], stage: str, detail: str
) -> None:
    found = verdict(tmp_path, Answers(**changes))
    assert (found.ok, found.stage) == (False, stage)
    assert detail in str(found.detail)


def test_events_that_no_device_was_told_to_make_are_found(tmp_path: Path) -> None:
    found = verdict(tmp_path, Answers(), KINDS | {"location": {"events": 2, "quantity": 3_600}})
    assert (found.ok, found.stage) == (False, "commit")
    assert str(found.detail).endswith("makes 4 events")


def test_what_nobody_knows_is_not_compared_and_the_verdict_says_so(tmp_path: Path) -> None:
    found = verdict(tmp_path, Answers(charges={"ride-fee": ["1.00"]}), None)
    assert found.ok
    assert found.facts["compared_with_devices"] is False
