"""Assignments: for which participants a device works, each until its next."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

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
class Assignments:
    """One device's assignments, ascending from BEGINNING, without gaps."""

    all: tuple[Assignment, ...]

    def __iter__(self) -> Iterator[Assignment]:
        return iter(self.all)

    def at(self, moment: datetime) -> int:
        """The id of the assignment in force at `moment`."""
        return self.all[bisect_right(self.all, moment, key=lambda each: each.valid_from) - 1].id

    def after(self, moment: datetime) -> datetime | None:
        """When the next assignment begins; None when there is none."""
        return next((each.valid_from for each in self.all if each.valid_from > moment), None)


def read_assignments(connection: Connection, ecosystem: str) -> dict[int, Assignments]:
    """The assignments in force of every device of `ecosystem`, by the device's number."""
    found: dict[int, list[Assignment]] = {}
    for row in connection.execute(_ASSIGNMENTS, {"ecosystem": ecosystem}):
        found.setdefault(row.device, []).append(Assignment(row.id, row.valid_from, row.roles))
    return {device: Assignments(tuple(each)) for device, each in found.items()}


def add_assignment(
    connection: Connection, device: int, valid_from: datetime, roles: Mapping[str, str], now: datetime
) -> int:
    """Assign a device from `valid_from` until its next assignment, in place of one that begins then; the new id."""
    row = {"device": device, "valid_from": valid_from, "roles": json.dumps(dict(roles)), "now": now}
    connection.execute(_REPLACE, row)
    return int(connection.execute(_ASSIGN, row).scalar_one())


_ASSIGNMENTS = text("""
    select a.id, a.device, a.valid_from, a.roles from assignment a join device d on d.id = a.device
    where d.ecosystem = :ecosystem and a.replaced_at is null order by a.device, a.valid_from
""")

_REPLACE = text("""
    update assignment set replaced_at = :now
    where device = :device and valid_from = :valid_from and replaced_at is null
""")

_ASSIGN = text("""
    insert into assignment (device, valid_from, roles) values (:device, :valid_from, :roles ::jsonb) returning id
""")
