"""`thalweg periods`: closing, listing and showing periods."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from thalweg_app.commands import app
from thalweg_store.database import Database
from worlds.gateway import World, charge, make_world

pytestmark = pytest.mark.slow

SEPTEMBER = ("2026-09-01T00:00:00+03:00", "2026-10-01T00:00:00+03:00")
SPAN = "2026-08-31 21:00 to 2026-09-30 21:00 UTC"


@pytest.fixture
def world(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("THALWEG_DATABASE_URL", database_url)
    return make_world(database)


def book(world: World, wh: int) -> None:
    world.send(world.batch(charge(wh)))
    world.pipeline.step()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ("periods", *arguments))


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_closed_period_is_listed_and_shown_with_what_came_after_each_close(world: World) -> None:
    assert done("list") == "No period is closed.\n"
    assert json.loads(done("list", "--json")) == []
    book(world, 10_000)
    assert done("close", *SEPTEMBER) == f"Closed {SPAN} at revision 0.\n"
    book(world, 500)
    assert done("close", *SEPTEMBER) == f"Closed {SPAN} at revision 1.\n"
    book(world, 7)
    listed = done("list")
    assert listed.startswith(f"{SPAN}  closed at ")
    assert listed.count("\n") == 1
    (row,) = json.loads(done("list", "--json"))
    assert (row["start"], len(row["closed_at"])) == ("2026-08-31T21:00:00+00:00", 2)
    shown = {each["meter"]: each for each in json.loads(done("show", *SEPTEMBER, "--json"))}
    assert (shown["energy"]["frozen"], shown["energy"]["since"]) == (["10000", "500"], "7")
    assert (shown["sessions"]["frozen"], shown["sessions"]["since"]) == (["1", "1"], "1")
    head, columns, energy, *_ = done("show", *SEPTEMBER).splitlines()
    assert head == f"{SPAN}, closed 2 times"
    assert columns.split() == ["meter", "unit", "close", "1", "close", "2", "since"]
    assert energy.split() == ["Energy", "charged", "Wh", "10000", "500", "7"]


@pytest.mark.usefixtures("world")
def test_what_cannot_be_closed_or_shown_says_why() -> None:
    done("close", *SEPTEMBER)
    refused = {
        ("close", "2026-09-15T00:00:00Z", "2026-10-15T00:00:00Z"): "a period cannot overlap it in part",
        ("close", "2026-10-01T00:07:00Z", "2026-10-15T00:00:00Z"): "goes from one quarter hour UTC to a later one",
        ("close", "2226-09-01T00:00:00Z", "2226-10-01T00:00:00Z"): "still to come",
        ("close", "2026-10-01", "2026-11-01"): "is no time with an offset",
        ("show", "2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"): "`thalweg periods list` prints the periods that are",
        ("list", "--ecosystem", "nowhere"): "nowhere",
    }
    for arguments, words in refused.items():
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert words in " ".join(result.output.split()), arguments
