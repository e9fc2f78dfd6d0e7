from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from thalweg.errors import SetupError, UnknownEcosystem
from thalweg.examples import text
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

pytestmark = pytest.mark.slow
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def registry(database: Database) -> Registry:
    registry = Registry(database)
    registry.ensure_ecosystem("eco", "Eco", {"mall": "Mall"})
    return registry


def test_a_device_works_for_nobody_before_its_assignment_and_for_its_participants_from_then_on(
    registry: Registry,
) -> None:
    registry.ensure_devices("eco", [NewDevice(name="cp-1", operator="mall", roles={"host": "mall"})], NOON)
    device = registry.directory("eco").devices["cp-1"]
    roles = {each.id: each.roles for each in device.assignments}
    instants = (BEGINNING, NOON - timedelta(microseconds=1), NOON, NOON + timedelta(days=9999))
    assert [roles[device.assignment_at(instant)] for instant in instants] == [
        {},
        {},
        {"host": "mall"},
        {"host": "mall"},
    ]


def test_registering_again_changes_no_device_but_every_change_raises_the_version(registry: Registry) -> None:
    device = NewDevice(name="cp-1", operator="mall", roles={"host": "mall"})
    registry.ensure_devices("eco", [device], NOON)
    first = registry.directory("eco")
    registry.ensure_devices("eco", [device], BEGINNING)
    second = registry.directory("eco")
    assert second.devices == first.devices
    assert second.version > first.version


def test_a_design_in_force_keeps_its_version_and_another_gets_the_next(registry: Registry) -> None:
    one, two = text("ev-charging"), text("ev-charging").replace("Site host", "Host of the site")
    assert registry.activate_design("eco", one, "hash-1", NOON) == 1
    assert registry.activate_design("eco", one, "hash-1", NOON) == 1
    assert registry.activate_design("eco", two, "hash-2", NOON) == 2
    assert registry.directory("eco").design_document == two
    assert registry.directory("eco").design_version == 2


def test_the_same_meter_has_the_same_number_wherever_it_is_asked_for(registry: Registry) -> None:
    first = registry.meter_ids({"a" * 32: "energy", "b" * 32: "sessions"})
    assert registry.meter_ids({"b" * 32: "renamed"}) == {"b" * 32: first["b" * 32]}


@pytest.mark.parametrize("name", ["", "UPPER", "with space", "_reserved", "x" * 33, "dot.ted"])
def test_a_name_that_is_no_id_is_refused_with_what_ids_are(registry: Registry, name: str) -> None:
    with pytest.raises(SetupError, match="a-z, 0-9 and the hyphen"):
        registry.ensure_devices("eco", [NewDevice(name=name, operator="mall", roles={})], NOON)


def test_an_unknown_ecosystem_is_named(registry: Registry) -> None:
    with pytest.raises(UnknownEcosystem, match="nowhere"):
        registry.directory("nowhere")
    with pytest.raises(UnknownEcosystem, match="nowhere"):
        registry.ensure_devices("nowhere", [], NOON)
