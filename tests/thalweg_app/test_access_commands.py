"""`thalweg device revoke | password`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from thalweg_app.commands import app
from thalweg_app.demo_world import ECOSYSTEM
from thalweg_app.local_system import DATABASE_VARIABLE
from thalweg_store.database import Database
from thalweg_store.logins import Logins
from thalweg_store.registry import BEGINNING, NewDevice, Registry

pytestmark = pytest.mark.slow


@pytest.fixture
def device(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV", {})
    registry.ensure_devices(ECOSYSTEM, [NewDevice(name="cp-01", operator="owner", roles={})], BEGINNING)
    monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    return "cp-01"


def test_revoke_and_password_change_what_the_broker_is_told(device: str, database: Database) -> None:
    made = CliRunner().invoke(app, ["device", "password", ECOSYSTEM, device])
    assert made.exit_code == 0
    login = Logins(database, ECOSYSTEM).find(device)
    assert login is not None
    assert login.accepts(made.stdout.strip())
    revoked = CliRunner().invoke(app, ["device", "revoke", ECOSYSTEM, device])
    assert revoked.exit_code == 0
    assert Logins(database, ECOSYSTEM).revoked() == {device}


@pytest.mark.parametrize("command", ["revoke", "password"])
def test_an_unknown_device_is_named(command: str, device: str) -> None:
    result = CliRunner().invoke(app, ["device", command, ECOSYSTEM, device + "9"])
    assert result.exit_code == 2
    assert "cp-019" in result.output
