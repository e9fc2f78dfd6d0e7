from __future__ import annotations

from datetime import UTC, datetime

import pytest

from thalweg.errors import SetupError
from thalweg_store.database import Database
from thalweg_store.logins import Logins
from thalweg_store.registry import BEGINNING, NewDevice, Registry

pytestmark = pytest.mark.slow
ECOSYSTEM = "house"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def logins(database: Database) -> Logins:
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, "House", {})
    devices = [NewDevice(name=name, operator="owner", roles={}) for name in ("meter-1", "meter-2")]
    registry.ensure_devices(ECOSYSTEM, devices, BEGINNING)
    return Logins(database, ECOSYSTEM)


def test_a_device_has_the_password_that_it_was_given_last(logins: Logins) -> None:
    assert logins.find("meter-1") is None
    logins.set({"meter-1": "one", "meter-2": "two"}, NOW)
    logins.set({"meter-1": "new"}, NOW)
    first, second = logins.find("meter-1"), logins.find("meter-2")
    assert first is not None
    assert second is not None
    assert [first.accepts(guess) for guess in ("new", "one", "two", "")] == [True, False, False, False]
    assert second.accepts("two")
    assert first.is_active


def test_a_password_is_nowhere_in_the_store(logins: Logins, database: Database) -> None:
    logins.set({"meter-1": "secret-word", "meter-2": "secret-word"}, NOW)
    with database.transaction() as connection:
        rows = connection.exec_driver_sql("select salt, digest from device_login").all()
    assert all(b"secret-word" not in bytes(part) for row in rows for part in row)
    assert len({bytes(row.digest) for row in rows}) == 2, "each digest has a salt of its own"


def test_a_device_that_is_not_registered_gets_no_login(logins: Logins) -> None:
    with pytest.raises(SetupError, match="register it first"):
        logins.set({"meter-1": "one", "meter-9": "nine"}, NOW)
    assert logins.find("meter-1") is None, "all or none"


def test_a_revoked_device_keeps_its_login_and_is_named_among_the_revoked(logins: Logins, database: Database) -> None:
    logins.set({"meter-1": "one"}, NOW)
    assert logins.revoked() == frozenset()
    Registry(database).deactivate(ECOSYSTEM, "meter-1")
    found = logins.find("meter-1")
    assert found is not None
    assert not found.is_active
    assert logins.revoked() == {"meter-1"}


def test_logins_of_another_ecosystem_are_not_found(logins: Logins, database: Database) -> None:
    logins.set({"meter-1": "one"}, NOW)
    assert Logins(database, "another").find("meter-1") is None
