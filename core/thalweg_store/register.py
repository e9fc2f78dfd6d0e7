"""What readers know of an ecosystem besides its events: who takes part, its design in force, what its meters cover.

All of it changes with the directory's version alone, so it is read once for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg_store.assignments import Assignments, read_assignments
from thalweg_store.coverage import Coverage, read_coverage


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """Names of an ecosystem and of its participants, and its design in force."""

    id: str
    name: str
    #: participant id → name
    participants: Mapping[str, str]
    design_version: int
    design_document: str


@dataclass(frozen=True, slots=True)
class ActiveDevice:
    """A device whose events are accepted."""

    id: int
    name: str
    operator: str
    assignments: Assignments


@dataclass(frozen=True, eq=False)
class Register:
    """One ecosystem at one version of its directory."""

    #: None where it is not registered, and before the first activation
    ecosystem: Ecosystem | None
    #: assignment id → role → participant
    roles: Mapping[int, Mapping[str, str]]
    #: by name
    devices: tuple[ActiveDevice, ...]
    coverage: Coverage

    def roles_at(self, device: ActiveDevice, moment: datetime) -> Mapping[str, str]:
        """Role → participant of the assignment in force."""
        return self.roles[device.assignments.at(moment)]


class RememberedRegisters:
    """The registers of one database that were asked for last. Safe to share between threads."""

    def __init__(self) -> None:
        #: ecosystem → when the server began, the directory's version, and what it was then
        self._last: dict[str, tuple[datetime, int, Register]] = {}

    def register(self, connection: Connection, server: datetime, ecosystem: str, version: int) -> Register:
        """That of `ecosystem` at the `version` that the connection's snapshot holds; 0: it is not registered."""
        last = self._last.get(ecosystem)
        if last is not None and last[:2] == (server, version):
            return last[2]
        found = read_register(connection, ecosystem)
        if last is None or last[0] != server or last[1] < version:
            self._last[ecosystem] = server, version, found
        return found


def read_register(connection: Connection, ecosystem: str) -> Register:
    """The register that the connection's snapshot holds."""
    key = {"ecosystem": ecosystem}
    roles = {row.id: row.roles for row in connection.execute(_ASSIGNMENTS, key)}
    assignments = read_assignments(connection, ecosystem)
    devices = tuple(
        ActiveDevice(row.id, row.name, row.operator, assignments[row.id]) for row in connection.execute(_DEVICES, key)
    )
    return Register(_ecosystem(connection, ecosystem), roles, devices, read_coverage(connection, ecosystem))


def _ecosystem(connection: Connection, ecosystem: str) -> Ecosystem | None:
    row = connection.execute(_ECOSYSTEM, {"ecosystem": ecosystem}).first()
    if row is None:
        return None
    participants = {each.id: each.name for each in connection.execute(_PARTICIPANTS, {"ecosystem": ecosystem})}
    return Ecosystem(row.id, row.name, participants, row.version, row.document)


_ECOSYSTEM = text("""
    select e.id, e.name, d.version, d.document from ecosystem e join design d on d.ecosystem = e.id
    where e.id = :ecosystem order by d.version desc limit 1
""")

_PARTICIPANTS = text("select id, name from participant where ecosystem = :ecosystem order by id")

_ASSIGNMENTS = text("""
    select a.id, a.roles from assignment a join device d on d.id = a.device where d.ecosystem = :ecosystem
""")

_DEVICES = text("select id, name, operator from device where ecosystem = :ecosystem and active order by name")
