"""Who takes part: ecosystems, participants, devices and their assignments, and the designs in force.

Gateways work from a `Directory`, an immutable picture of all this with a version. Every change takes the directory lock
exclusively and raises the version, so that an ingest transaction, which holds the lock shared, sees either the
picture it worked from or learns that it is stale.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from thalweg.errors import SetupError, UnknownEcosystem
from thalweg.wire.topics import is_id
from thalweg_store.database import DIRECTORY_LOCK, Database

#: before every event: a device's assignments leave no gap from here on, vacant ones included
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Assignment:
    """For whom a device works from `valid_from` until its next assignment."""

    id: int
    valid_from: datetime
    #: role → participant; a role that is missing is vacant
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device."""

    id: int
    name: str
    key_version: int
    #: False after revocation: nothing that it sends is accepted
    active: bool
    #: ascending from BEGINNING, without gaps
    assignments: tuple[Assignment, ...]

    def assignment_at(self, moment: datetime) -> int:
        """The id of the assignment in force at `moment`."""
        return self.assignments[bisect_right(self.assignments, moment, key=lambda each: each.valid_from) - 1].id


@dataclass(frozen=True, slots=True)
class Directory:
    """One ecosystem as its gateways need it, at one version of the registry."""

    version: int
    #: by the name on the wire
    devices: Mapping[str, Device]
    #: text of the design in force; None before the first activation
    design_document: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to register, with its first assignment."""

    name: str
    operator: str
    roles: Mapping[str, str]


class Registry:
    """Changes and pictures of the registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def directory(self, ecosystem: str) -> Directory:
        """The current picture of `ecosystem`; raises UnknownEcosystem."""
        with self._database.snapshot() as connection:
            current = connection.execute(_CURRENT, {"ecosystem": ecosystem}).first()
            if current is None:
                raise UnknownEcosystem(ecosystem)
            assignments: dict[int, list[Assignment]] = {}
            for row in connection.execute(_ASSIGNMENTS, {"ecosystem": ecosystem}):
                found = Assignment(row.id, row.valid_from, row.roles)
                assignments.setdefault(row.device, []).append(found)
            devices = {
                row.name: Device(row.id, row.name, row.key_version, row.active, tuple(assignments[row.id]))
                for row in connection.execute(_DEVICES, {"ecosystem": ecosystem})
            }
        return Directory(current.directory_version, devices, current.document)

    def ensure_ecosystem(self, ecosystem: str, name: str, participants: Mapping[str, str]) -> None:
        """Register an ecosystem and its participants (id → name); what exists keeps its id and takes the new name."""
        for each in (ecosystem, *participants):
            _check_id(each)
        with self._change() as connection:
            connection.execute(_ENSURE_ECOSYSTEM, {"id": ecosystem, "name": name})
            for participant, label in participants.items():
                parameters = {"ecosystem": ecosystem, "id": participant, "name": label}
                connection.execute(_ENSURE_PARTICIPANT, parameters)

    def ensure_devices(self, ecosystem: str, devices: list[NewDevice], valid_from: datetime) -> None:
        """Register devices that are not known yet, each assigned from `valid_from` on and vacant before."""
        with self._change() as connection:
            for device in devices:
                _check_id(device.name)
                parameters = {"ecosystem": ecosystem, "name": device.name, "operator": device.operator}
                new = connection.scalar(_ADD_DEVICE, parameters)
                if new is not None:
                    periods: dict[datetime, Mapping[str, str]] = {BEGINNING: {}, valid_from: device.roles}
                    for start, roles in periods.items():
                        row = {"device": new, "valid_from": start, "roles": json.dumps(dict(roles))}
                        connection.execute(_ASSIGN, row)
            self._raise_version(connection, ecosystem)

    def activate_design(self, ecosystem: str, document: str, content_hash: str, now: datetime) -> int:
        """Put a validated design in force and return its version; the design already in force keeps its version."""
        with self._change() as connection:
            latest = connection.execute(_LATEST_DESIGN, {"ecosystem": ecosystem}).first()
            if latest is not None and latest.hash == content_hash:
                return int(latest.version)
            version = 1 if latest is None else int(latest.version) + 1
            parameters = {"ecosystem": ecosystem, "version": version, "hash": content_hash}
            connection.execute(_ADD_DESIGN, parameters | {"document": document, "now": now})
            self._raise_version(connection, ecosystem)
            return version

    def meter_ids(self, names: Mapping[str, str]) -> dict[str, int]:
        """The numbers of meters by content hash (`names`: hash → name), registering those that are new."""
        with self._database.transaction() as connection:
            for content_hash in sorted(names):
                connection.execute(_ENSURE_METER, {"hash": content_hash, "name": names[content_hash]})
            rows = connection.execute(_METER_IDS, {"hashes": list(names)})
            return {row.hash: row.id for row in rows}

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        with self._database.transaction() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": DIRECTORY_LOCK})
            yield connection

    def _raise_version(self, connection: Connection, ecosystem: str) -> None:
        raised = connection.execute(_RAISE_VERSION, {"id": ecosystem})
        if raised.rowcount == 0:
            raise UnknownEcosystem(ecosystem)


def _check_id(name: str) -> None:
    if not is_id(name):
        raise SetupError(f"{name!r} is no valid id: use 1 to 32 of a-z, 0-9 and the hyphen")


_CURRENT = text("""
    select directory_version,
           (select document from design where ecosystem = e.id order by version desc limit 1) as document
    from ecosystem e where id = :ecosystem
""")

_ASSIGNMENTS = text("""
    select a.id, a.device, a.valid_from, a.roles from assignment a join device d on d.id = a.device
    where d.ecosystem = :ecosystem order by a.device, a.valid_from
""")

_DEVICES = text("select id, name, key_version, active from device where ecosystem = :ecosystem")

_ENSURE_ECOSYSTEM = text("""
    insert into ecosystem (id, name, directory_version) values (:id, :name, 1)
    on conflict (id) do update set name = excluded.name, directory_version = ecosystem.directory_version + 1
""")

_ENSURE_PARTICIPANT = text("""
    insert into participant (ecosystem, id, name) values (:ecosystem, :id, :name)
    on conflict (ecosystem, id) do update set name = excluded.name
""")

_ADD_DEVICE = text("""
    insert into device (ecosystem, name, operator, key_version, active, registered_at)
    values (:ecosystem, :name, :operator, 1, true, now())
    on conflict (ecosystem, name) do nothing
    returning id
""")

_ASSIGN = text("""
    insert into assignment (device, valid_from, roles) values (:device, :valid_from, :roles ::jsonb)
""")

_LATEST_DESIGN = text("""
    select version, hash from design where ecosystem = :ecosystem order by version desc limit 1
""")

_ADD_DESIGN = text("""
    insert into design (ecosystem, version, hash, document, activated_at)
    values (:ecosystem, :version, :hash, :document, :now)
""")

_ENSURE_METER = text("""
    insert into meter (hash, name) values (:hash, :name) on conflict (hash) do nothing
""")

_METER_IDS = text("select id, hash from meter where hash = any(:hashes)")

_RAISE_VERSION = text("update ecosystem set directory_version = directory_version + 1 where id = :id")
