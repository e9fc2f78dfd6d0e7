"""What gateways work from: an immutable picture of one ecosystem with the version that tells when it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg.errors import UnknownEcosystem
from thalweg_store.assignments import Assignments, read_assignments
from thalweg_store.closing import Closures, read_closures


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device."""

    id: int
    name: str
    #: the highest; lower ones stay valid for what was sealed before a rotation
    key_version: int
    #: False after revocation: nothing that it sends is accepted
    active: bool
    assignments: Assignments
    #: key version → since when what it signs is not trusted
    compromised: Mapping[int, datetime] = field(default_factory=dict)

    def assignment_at(self, moment: datetime) -> int:
        """The id of the assignment in force at `moment`."""
        return self.assignments.at(moment)

    def is_trusted(self, key_version: int, received_at: datetime) -> bool:
        """Whether what is signed with a key version and was received then can be believed."""
        since = self.compromised.get(key_version)
        return since is None or received_at < since


@dataclass(frozen=True, slots=True)
class Directory:
    """One ecosystem as its gateways need it, at one version of the registry."""

    version: int
    #: by the name on the wire
    devices: Mapping[str, Device]
    #: version and text of the design in force; 0 and None before the first activation
    design_version: int
    design_document: str | None
    closures: Closures
    #: the life of the store that this was read from
    store_epoch: str


def read_directory(connection: Connection, ecosystem: str) -> Directory:
    """The present picture of `ecosystem`; raises UnknownEcosystem."""
    current = connection.execute(_CURRENT, {"ecosystem": ecosystem}).first()
    if current is None:
        raise UnknownEcosystem(ecosystem)
    assignments = read_assignments(connection, ecosystem)
    compromised: dict[int, dict[int, datetime]] = {}
    for row in connection.execute(_COMPROMISED, {"ecosystem": ecosystem}):
        compromised.setdefault(row.device, {})[row.version] = row.since
    devices = {
        row.name: Device(
            row.id, row.name, row.key_version, row.active, assignments[row.id], compromised.get(row.id, {})
        )
        for row in connection.execute(_DEVICES, {"ecosystem": ecosystem})
    }
    return Directory(
        version=current.directory_version,
        devices=devices,
        design_version=current.version or 0,
        design_document=current.document,
        closures=read_closures(connection, ecosystem),
        store_epoch=current.epoch,
    )


_CURRENT = text("""
    select e.directory_version, d.version, d.document,
           (select epoch from store_life order by began_at desc, epoch limit 1) as epoch
    from ecosystem e
    left join lateral (
        select version, document from design where ecosystem = e.id order by version desc limit 1
    ) d on true
    where e.id = :ecosystem
""")

_DEVICES = text("select id, name, key_version, active from device where ecosystem = :ecosystem")

_COMPROMISED = text("""
    select c.device, c.version, c.since from compromised_key c join device d on d.id = c.device
    where d.ecosystem = :ecosystem
""")
