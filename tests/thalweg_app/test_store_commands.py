"""The operator's commands, on a store that the environment names and on a running local system's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner, Result

from thalweg.wire.batch import BatchWriter
from thalweg.wire.keys import derive
from thalweg_app.commands import app
from thalweg_app.local_secrets import LocalSecrets
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.store_access import running_url
from thalweg_app.supervisor import Supervisor
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.demo import open_folder
from worlds.gateway import DEVICE, ECOSYSTEM, NOON_MS, ROOT_KEY, World, charge, make_world

pytestmark = pytest.mark.slow
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)


@pytest.fixture
def world(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("THALWEG_DATABASE_URL", database_url)
    monkeypatch.setenv("THALWEG_ROOT_KEY", ROOT_KEY.hex())
    made = make_world(database)
    Registry(database).ensure_ecosystem(ECOSYSTEM, "EV test", {"library": "Library"})
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_rejections_are_listed_and_replayed_after_the_fix(world: World) -> None:
    writer = BatchWriter(derive(ROOT_KEY, ECOSYSTEM, "cp-02", 1).uplink, 1)
    writer.add(charge(10))
    world.source.put("tw1/ev-test/cp-02/e", writer.seal())
    world.pipeline.step()
    (row,) = json.loads(done("rejections", "list", "--json"))
    assert (row["device"], row["reason"], row["count"], row["samples"]) == ("cp-02", "unknown_device", 1, 1)
    assert "unknown_device" in done("rejections", "list")
    Registry(world.database).ensure_devices(ECOSYSTEM, [NewDevice(name="cp-02", operator="o", roles={})], BEGINNING)
    replayed = json.loads(done("rejections", "replay", "--id", str(row["id"]), "--json"))
    assert replayed == {"messages": 1, "events": 0, "clock_ahead": 0}
    assert json.loads(done("rejections", "list", "--json"))[0]["count"] == 0


def test_what_becomes_of_events_of_a_clock_that_was_ahead_is_said(world: World) -> None:
    ahead_ms = int(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    world.send(world.batch(charge(10, ahead_ms)))
    world.send(world.batch(charge(20), charge(10, ahead_ms)))
    world.pipeline.step()
    said = run("rejections", "replay").stderr
    assert said.startswith("2 events stay refused as clock_ahead")
    assert "--estimate-times" in said
    result = run("rejections", "replay", "--reason", "clock_ahead", "--estimate-times")
    assert "1 events of stored batches" in result.stdout
    assert result.stderr.startswith("1 events stay refused as clock_ahead: others of their batch are booked")
    assert run("rejections", "replay", "--reason", "unknown_device").stderr == ""


def test_a_device_is_assigned_from_the_past_on(world: World) -> None:
    world.send(world.batch(charge(10)))
    world.pipeline.step()
    done("assign", DEVICE, "host=library", "--from", NOON.isoformat())
    hosts = world.rows(
        "select a.roles, sum(r.quantity)::int from rollup r join flow f on f.id = r.flow "
        "join assignment a on a.id = f.assignment "
        "join meter m on m.id = f.meter where m.name = 'energy' group by 1"
    )
    assert hosts == [({"host": "library"}, 10)]


def test_keys_periods_retention_and_epoch_have_their_commands(world: World) -> None:
    assert "version 2" in done("keys", "rotate", DEVICE)
    done("keys", "compromise", DEVICE, "--version", "1", "--at", "2026-01-01T00:00:00+00:00")
    world.send(world.batch(charge(10)))
    world.pipeline.step()
    (row,) = json.loads(done("keys", "waiting", "--json"))
    assert (row["device"], row["key_version"], row["messages"], row["not_kept"]) == (DEVICE, 1, 1, 0)
    assert DEVICE in done("keys", "waiting")
    assert "Released 1" in done("keys", "release", DEVICE, "--version", "1")
    assert "revision 0" in done("periods", "close", "2026-09-01T00:00:00+03:00", "2026-10-01T00:00:00+03:00")
    assert "0 batches" in done("retention", "--keep-days", "30")
    epoch = world.database.store_epoch()
    done("store", "new-epoch")
    assert world.database.store_epoch() != epoch


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("assign", "cp-99", "host=library", "--from", "2026-01-01T00:00:00Z"), "no device 'cp-99'"),
        (("assign", DEVICE, "host=nobody", "--from", "2026-01-01T00:00:00Z"), "no participant 'nobody'"),
        (("assign", DEVICE, "host", "--from", "2026-01-01T00:00:00Z"), "role=participant"),
        (("assign", DEVICE, "host=library", "--from", "2026-01-01"), "offset"),
        (("keys", "compromise", DEVICE, "--version", "9", "--at", "2026-01-01T00:00:00Z"), "versions 1 to 1"),
        (("rejections", "list", "--data", "nowhere"), "no database runs"),
    ],
)
@pytest.mark.usefixtures("world")
def test_what_cannot_be_done_says_why(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_the_database_of_a_running_local_system_is_found_by_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THALWEG_DATABASE_URL", raising=False)
    monkeypatch.delenv("THALWEG_ECOSYSTEM", raising=False)
    with open_folder() as folder:
        LocalSecrets(folder)
        server = EmbeddedPostgres(folder / "postgres")
        with Supervisor() as supervisor:
            supervisor.start(server.prepare())
            database = Database(running_url(folder))
            database.upgrade()
            make_world(database)
            database.close()
            assert done("rejections", "list", "--data", str(folder), "--json").strip() == "[]"
            assert done("rejections", "replay", "--data", str(folder)).startswith("Accepted")
        server.release()
