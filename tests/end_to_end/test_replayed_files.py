"""Third-party files through profile, pipeline, store and rating, against sums that were made apart from them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from worlds.demo import open_folder
from worlds.third_party_files import Sums, sum_boulder, sum_sap, write_boulder, write_sap

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Kind:
    """A kind of file that ships with a profile and a design."""

    name: str
    variable: str
    file: str
    write: Callable[[Path, int], None]
    sums: Callable[[Path], Sums]
    #: the meter of what is measured besides energy and sessions
    other: str
    host_part: Decimal
    operator: str


KINDS = (
    Kind(
        "boulder-sessions",
        "THALWEG_TEST_SESSIONS",
        "boulder_charging_sessions_2018_2021.csv",
        write_boulder,
        sum_boulder,
        "co2",
        Decimal("0.1"),
        "city-of-boulder",
    ),
    Kind(
        "sap-sessions",
        "THALWEG_TEST_SAP_SESSIONS",
        "sap_labs_charging_sessions_2017_2021.csv",
        write_sap,
        sum_sap,
        "idle",
        Decimal("0.4"),
        "charging-operator",
    ),
)
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def replay(file: Path, kind: Kind, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "thalweg_app.main", "replay", str(file), "--json"]
    done = subprocess.run(
        [*command, "--profile", kind.name, "--design", kind.name, *more], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def expect_exact(result: dict[str, Any], sums: Sums, kind: Kind) -> None:
    sessions = sums.rows - sums.rejected
    assert result["received"] == result["mapped"] + result["unmapped"] + result["rejected"] == sums.rows
    assert (result["mapped"], result["rejected"]) == (sessions, sums.rejected)
    assert result["quantities"] == {"energy": sums.energy_wh, "sessions": sessions, kind.other: sums.other}
    assert Decimal(result["gross"]) == sums.paid
    shares = {name: Decimal(share) for name, share in result["shares"].items()}
    assert shares.pop(kind.operator) == sums.paid * (1 - kind.host_part)
    assert shares == {name: paid * kind.host_part for name, paid in sums.by_host.items() if paid}


@each_kind
def test_every_row_of_a_real_file_becomes_exact_money(kind: Kind, repository: Path) -> None:
    named = os.environ.get(kind.variable)
    path = Path(named) if named else repository.parent / "shared" / "data" / kind.file
    if not path.is_file():
        pytest.skip(f"{kind.file} is not here; name it in {kind.variable}")
    expect_exact(replay(path, kind), kind.sums(path), kind)


@each_kind
def test_every_row_of_a_file_of_the_same_shape_becomes_exact_money_and_a_second_replay_changes_nothing(
    kind: Kind,
) -> None:
    with open_folder() as folder:
        path = folder / "file.csv"
        kind.write(path, 2500)
        sums = kind.sums(path)
        assert sums.rejected == (2 if kind.name == "sap-sessions" else 0)
        first = replay(path, kind, "--data", str(folder / "data"))
        expect_exact(first, sums, kind)
        assert first["this_run"]["booked"] == sums.rows - sums.rejected
        second = replay(path, kind, "--data", str(folder / "data"))
        assert second["this_run"] == {"booked": 0, "rejected": 0, "duplicate": sums.rows, "no_difference": 0}
        del first["this_run"], second["this_run"]
        assert second == first


def test_half_a_file_then_all_of_it_in_another_order_is_the_file() -> None:
    kind = KINDS[1]
    with open_folder() as folder:
        path, half = folder / "file.csv", folder / "half.csv"
        kind.write(path, 600)
        head, *rows = path.read_text(encoding="utf-8-sig").splitlines()
        half.write_text("\n".join([head, *rows[:300]]), encoding="utf-8")
        data = ("--data", str(folder / "data"))
        replay(half, kind, *data)
        half.write_text("\n".join([head, *reversed(rows)]), encoding="utf-8")
        whole = replay(half, kind, *data)
        expect_exact(whole, kind.sums(path), kind)
        assert whole["result_hash"] == replay(path, kind)["result_hash"]


def test_a_price_that_is_given_later_is_booked_then_and_a_contradiction_is_rejected_once() -> None:
    kind = KINDS[1]
    with open_folder() as folder:
        path = folder / "file.csv"
        kind.write(path, 60)
        data = ("--data", str(folder / "data"))
        assert replay(path, kind, *data)["reasons"] == {"missing": 2}
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        complete = next(row for row in rows if row["Prix total"])
        for row in rows:
            if not row["Prix total"]:
                row.update({name: complete[name] for name, value in row.items() if not value})
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), delimiter=";")
            table.writeheader()
            table.writerows(rows)
        mended = replay(path, kind, *data)
        expect_exact(mended, kind.sums(path), kind)
        assert mended["reasons"] == {}
        wrong = path.read_text(encoding="utf-8-sig").replace(complete["Prix total"], "99.5")
        path.write_text(wrong, encoding="utf-8")
        contradicting = [replay(path, kind, *data) for _ in range(2)]
        assert contradicting[0]["result_hash"] == contradicting[1]["result_hash"]
        assert contradicting[0]["reasons"]["conflict"] == contradicting[0]["rejected"] >= 1
        assert contradicting[0]["gross"] == mended["gross"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "nothing", "--design", "sap-sessions"], "neither a file nor a shipped profile"),
        (["--profile", "sap-sessions", "--design", "nothing"], "neither a file nor a shipped design"),
        (["--profile", "boulder-sessions", "--design", "boulder-sessions"], "no column"),
    ],
)
def test_what_cannot_be_replayed_is_said(arguments: list[str], said: str) -> None:
    with open_folder() as folder:
        path = folder / "file.csv"
        write_sap(path, 3)
        command = [sys.executable, "-m", "thalweg_app.main", "replay", str(path), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
