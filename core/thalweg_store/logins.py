"""The passwords with which devices sign in at a broker that asks Thalweg: kept as scrypt digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from thalweg.errors import SetupError
from thalweg_store.database import Database

#: passwords are random and long, so the digest need not slow a guesser down; it costs 4 MiB and some milliseconds
LOG2_COST: Final = 12
_SALT_BYTES: Final = 16
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class Login:
    """How one device signs in."""

    #: False after revocation
    is_active: bool
    salt: bytes
    digest: bytes
    log2_cost: int

    def accepts(self, password: str) -> bool:
        """Whether `password` is the device's; takes some milliseconds and lets other threads work meanwhile."""
        return hmac.compare_digest(_digest(password, self.salt, self.log2_cost), self.digest)


def make_login(password: str) -> Login:
    """An active login with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return Login(True, salt, _digest(password, salt, LOG2_COST), LOG2_COST)


class Logins:
    """The logins of one ecosystem's devices."""

    def __init__(self, database: Database, ecosystem: str) -> None:
        self._database = database
        self._ecosystem = ecosystem

    def set(self, passwords: Mapping[str, str], now: datetime) -> None:
        """Give registered devices (name → password) their passwords, new or changed; raises SetupError."""
        with ThreadPoolExecutor() as pool:
            made = dict(zip(passwords, pool.map(make_login, passwords.values()), strict=True))
        with self._database.transaction() as connection:
            for device, login in made.items():
                values = {"salt": login.salt, "digest": login.digest, "cost": login.log2_cost, "now": now}
                key = {"ecosystem": self._ecosystem, "device": device}
                if connection.execute(_SET, values | key).rowcount == 0:
                    raise SetupError(f"no device {device!r} is registered in {self._ecosystem!r}: register it first")

    def find(self, device: str) -> Login | None:
        """The login of `device`; None when it has none."""
        with self._database.snapshot() as connection:
            row = connection.execute(_FIND, {"ecosystem": self._ecosystem, "device": device}).first()
        return None if row is None else Login(row.active, row.salt, row.digest, row.log2_cost)

    def revoked(self) -> frozenset[str]:
        """The names of all devices that may no longer sign in."""
        with self._database.snapshot() as connection:
            return frozenset(connection.execute(_REVOKED, {"ecosystem": self._ecosystem}).scalars())


def _digest(password: str, salt: bytes, log2_cost: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << log2_cost, r=_BLOCK, p=1, dklen=32)


_SET = text("""
    insert into device_login (device, salt, digest, log2_cost, changed_at)
    select id, :salt, :digest, :cost, :now from device where ecosystem = :ecosystem and name = :device
    on conflict (device) do update
    set salt = excluded.salt, digest = excluded.digest, log2_cost = excluded.log2_cost, changed_at = excluded.changed_at
""")

_FIND = text("""
    select d.active, l.salt, l.digest, l.log2_cost from device_login l join device d on d.id = l.device
    where d.ecosystem = :ecosystem and d.name = :device
""")

_REVOKED = text("select name from device where ecosystem = :ecosystem and not active")
