"""The single-machine system's broker: who is let in, and for how long."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from thalweg.errors import SetupError
from thalweg_app.commands import app
from thalweg_app.demo_world import ECOSYSTEM, register
from thalweg_app.local_system import DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE, LocalSystem, free_port
from thalweg_app.nats import accepts
from thalweg_store.database import Database
from thalweg_store.timescale import Result, Step
from worlds.brokers import wait_for
from worlds.demo import open_folder

pytestmark = pytest.mark.slow
ONE, TWO = "cp-01", "cp-02"


@pytest.fixture
def system(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSystem]:
    for variable in (MQTT_VARIABLE, NATS_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    register(database, [ONE, TWO], datetime.now(UTC))
    with open_folder() as folder, LocalSystem(folder, ECOSYSTEM, free_port()) as opened:
        yield opened


def test_a_device_that_is_revoked_by_command_loses_its_session_and_never_gets_another(system: LocalSystem) -> None:
    passwords = system.start_broker([ONE, TWO])
    system.start_gateway()
    host, port = system.broker
    wait_for(lambda: accepts(port, ONE, passwords[ONE]), "devices are let in once the gateway is there")
    refusals: list[str] = []
    device = Client(CallbackAPIVersion.VERSION2, client_id=ONE)
    device.username_pw_set(ONE, passwords[ONE])
    device.reconnect_delay_set(1, 1)
    device.on_connect = lambda _client, _data, _flags, reason, _more: (
        refusals.append(str(reason)) if reason.is_failure else None
    )
    device.connect(host, port)
    device.loop_start()
    wait_for(device.is_connected, "a live session")
    assert CliRunner().invoke(app, ["device", "revoke", ECOSYSTEM, ONE]).exit_code == 0
    wait_for(lambda: bool(refusals), "its session is closed, and its next attempt refused")
    assert not device.is_connected()
    assert accepts(port, TWO, passwords[TWO])
    device.loop_stop()


def test_the_api_is_there_once_it_is_ready_to_answer(system: LocalSystem) -> None:
    system.start_database().close()
    system.start_broker([])
    system.start_api()
    with urllib.request.urlopen(f"{system.api_url}/readyz", timeout=10) as answer:
        assert json.load(answer)["ready"]


def test_an_api_that_lives_and_is_not_ready_is_waited_for(system: LocalSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str, **_: float) -> None:
        asked.append(url)
        raise urllib.error.HTTPError(url, 503, "the tables are missing", Message(), None)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert not system._api_answers()
    assert asked == [f"{system.api_url}/readyz"]


def test_what_was_done_with_timescaledb_is_logged(
    system: LocalSystem, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (
        Step("batch: hypertable", Result.CHANGED, "made one"),
        Step("batch: columnstore", Result.UNCHANGED, ""),
        Step("batch: compression", Result.FAILED, "no license"),
    )
    monkeypatch.setattr(Database, "upgrade", lambda _self: steps)
    system.start_database().close()
    lines = (system.folder / "upgrade.log").read_text(encoding="utf-8").splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "batch: hypertable: changed made one",
        "batch: compression: failed no license",
    ]
    assert [record.message for record in caplog.records] == ["batch: compression: failed no license"]


def test_a_nats_server_without_its_mqtt_side_is_refused_with_what_to_set(
    system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NATS_VARIABLE, "nats://example.org")
    with pytest.raises(SetupError, match="needs THALWEG_MQTT_URL"):
        system.start_broker([ONE])
