from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from thalweg_app.database_commands import app
from thalweg_store.database import Database
from thalweg_store.timescale import Result, Step

pytestmark = pytest.mark.slow


@pytest.fixture
def at_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_DATABASE_URL", database_url)


@pytest.mark.usefixtures("at_the_database")
def test_an_operator_is_told_what_was_done_and_why_not() -> None:
    told = CliRunner().invoke(app, ["reconcile", "--json"])
    assert told.exit_code == 0, told.output
    (step,) = json.loads(told.output)
    assert (step["subject"], step["result"]) == ("timescaledb", "skipped")
    assert step["detail"].startswith("plain PostgreSQL")


@pytest.mark.usefixtures("at_the_database")
def test_a_part_that_the_server_refused_is_told_by_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = (Step("batch: hypertable", Result.FAILED, "permission denied"),)
    monkeypatch.setattr(Database, "reconcile", lambda _: refused)
    told = CliRunner().invoke(app, ["reconcile"])
    assert (told.exit_code, told.output.split()) == (1, ["failed", "batch:", "hypertable", "permission", "denied"])
