"""Changes of who takes part: ecosystems, participants, devices, their assignments and keys, and the design in force.

Every change takes the directory lock exclusively and raises the directory's version, so that an ingest transaction,
which holds the lock shared, sees either the picture it worked from or learns that it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg.errors import SetupError, UnknownDevice
from thalweg.wire.topics import is_id
from thalweg_store.activation import activate
from thalweg_store.assignments import BEGINNING, Assignment, add_assignment
from thalweg_store.database import Database
from thalweg_store.directory import Device, Directory, read_directory
from thalweg_store.directory_lock import changing, lock_exclusively
from thalweg_store.fed_meters import number_meters
from thalweg_store.reassignment import reassign

__all__ = ["BEGINNING", "Assignment", "Device", "Directory", "NewDevice", "Registry"]

_LAST_KEY_VERSION = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to register, with its first assignment."""

    name: str
    operator: str
    roles: Mapping[str, str]


class Registry:
    """Changes and pictures of the registry. Whatever names an ecosystem or device raises when there is none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def directory(self, ecosystem: str) -> Directory:
        """The current picture of `ecosystem`; raises UnknownEcosystem."""
        with self._database.snapshot() as connection:
            return read_directory(connection, ecosystem)

    def ecosystems(self) -> list[str]:
        """The ids of all ecosystems that are registered."""
        with self._database.snapshot() as connection:
            return list(connection.scalars(_ECOSYSTEMS))

    def ensure_ecosystem(self, ecosystem: str, name: str, participants: Mapping[str, str]) -> None:
        """Register an ecosystem and its participants (id → name); what exists keeps its id and takes the new name."""
        for each in (ecosystem, *participants):
            _check_id(each)
        with self._database.transaction() as connection:
            lock_exclusively(connection)
            connection.execute(_ENSURE_ECOSYSTEM, {"id": ecosystem, "name": name})
            for participant, label in participants.items():
                parameters = {"ecosystem": ecosystem, "id": participant, "name": label}
                connection.execute(_ENSURE_PARTICIPANT, parameters)

    def ensure_devices(self, ecosystem: str, devices: list[NewDevice], valid_from: datetime) -> None:
        """Register devices that are not known yet, each assigned from `valid_from` on and vacant before."""
        for device in devices:
            _check_id(device.name)
        with changing(self._database, ecosystem) as connection:
            for device in devices:
                parameters = {"ecosystem": ecosystem, "name": device.name, "operator": device.operator}
                new = connection.scalar(_ADD_DEVICE, parameters)
                if new is not None:
                    periods: dict[datetime, Mapping[str, str]] = {BEGINNING: {}, valid_from: device.roles}
                    for start, roles in periods.items():
                        add_assignment(connection, new, start, roles, valid_from)

    def activate_design(self, ecosystem: str, document: str, content_hash: str, now: datetime) -> int:
        """Put a validated design in force and return its version; the design already in force keeps its version.

        Meters that are new are fed from the batches before (`activation.py` says how). Raises UnknownEcosystem.
        """
        return activate(self._database, ecosystem, document, content_hash, now)

    def meter_ids(self, names: Mapping[str, str]) -> dict[str, int]:
        """The numbers of meters by content hash (`names`: hash → name), registering those that are new."""
        with self._database.transaction() as connection:
            return number_meters(connection, names)

    def assign(
        self, ecosystem: str, device: str, roles: Mapping[str, str], valid_from: datetime, now: datetime
    ) -> int:  # fmt: skip
        """Assign a device from `valid_from`, also in the past, until its next assignment; the new assignment's id.

        What it measured in that window goes to the new participants (`reassignment.py`).
        """
        with changing(self._database, ecosystem) as connection:
            known = set(connection.scalars(_PARTICIPANTS, {"ecosystem": ecosystem}))
            for role, participant in roles.items():
                _check_id(role)
                if participant not in known:
                    raise SetupError(f"role {role!r}: no participant {participant!r} is registered in {ecosystem!r}")
            number = _device(connection, ecosystem, device).id
            return reassign(connection, ecosystem, number, roles, valid_from, now)

    def deactivate(self, ecosystem: str, device: str) -> None:
        """Revoke a device: gateways refuse whatever it sends from their next transaction on."""
        with changing(self._database, ecosystem) as connection:
            connection.execute(_DEACTIVATE, {"id": _device(connection, ecosystem, device).id})

    def rotate_key(self, ecosystem: str, device: str) -> int:
        """Raise a device's key version and return it; lower ones stay valid for batches that are sealed already."""
        with changing(self._database, ecosystem) as connection:
            found = _device(connection, ecosystem, device)
            if found.key_version >= _LAST_KEY_VERSION:
                raise SetupError(f"{device!r} has used all {_LAST_KEY_VERSION} key versions: register it anew")
            return int(connection.scalar(_ROTATE, {"id": found.id}) or 0)

    def compromise_key(self, ecosystem: str, device: str, version: int, since: datetime) -> None:
        """Hold whatever is signed with a key version and received from `since` on, until an operator releases it."""
        with changing(self._database, ecosystem) as connection:
            found = _device(connection, ecosystem, device)
            if not 1 <= version <= found.key_version:
                raise SetupError(f"{device!r} has key versions 1 to {found.key_version}, not {version}")
            connection.execute(_COMPROMISE, {"device": found.id, "version": version, "since": since})


def _device(connection: Connection, ecosystem: str, name: str) -> Device:
    found = read_directory(connection, ecosystem).devices.get(name)
    if found is None:
        raise UnknownDevice(ecosystem, name)
    return found


def _check_id(name: str) -> None:
    if not is_id(name):
        raise SetupError(f"{name!r} is no valid id: use 1 to 32 of a-z, 0-9 and the hyphen")


_ECOSYSTEMS = text("select id from ecosystem order by id")

_ENSURE_ECOSYSTEM = text("""
    insert into ecosystem (id, name, directory_version) values (:id, :name, 1)
    on conflict (id) do update set name = excluded.name, directory_version = ecosystem.directory_version + 1
""")

_ENSURE_PARTICIPANT = text("""
    insert into participant (ecosystem, id, name) values (:ecosystem, :id, :name)
    on conflict (ecosystem, id) do update set name = excluded.name
""")

_PARTICIPANTS = text("select id from participant where ecosystem = :ecosystem")

_ADD_DEVICE = text("""
    insert into device (ecosystem, name, operator, key_version, active, registered_at)
    values (:ecosystem, :name, :operator, 1, true, now())
    on conflict (ecosystem, name) do nothing
    returning id
""")

_DEACTIVATE = text("update device set active = false where id = :id")

_ROTATE = text("update device set key_version = key_version + 1 where id = :id returning key_version")

_COMPROMISE = text("""
    insert into compromised_key as c (device, version, since) values (:device, :version, :since)
    on conflict (device, version) do update set since = least(c.since, excluded.since)
""")
