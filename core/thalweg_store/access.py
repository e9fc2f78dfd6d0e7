"""Access tokens: random, shown once, stored as a digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from thalweg_store.database import Database


@dataclass(frozen=True, slots=True)
class Access:
    """What a valid token allows: reading one ecosystem, every participant's view included."""

    ecosystem: str
    #: whom the token was made for, for display
    name: str
    expires_at: datetime


def create_token(database: Database, ecosystem: str, name: str, now: datetime, expires_at: datetime) -> str:
    """Make a token for `ecosystem`, valid within [now, expires_at), and return it; it cannot be read again later."""
    token = secrets.token_urlsafe(24)
    with database.transaction() as connection:
        parameters = {"digest": _digest(token), "ecosystem": ecosystem, "name": name}
        connection.execute(_ADD, parameters | {"now": now, "expires_at": expires_at})
    return token


def check_token(database: Database, token: str, now: datetime) -> Access | None:
    """What `token` allows at `now`; None when it is unknown or has expired."""
    with database.snapshot() as connection:
        row = connection.execute(_FIND, {"digest": _digest(token), "now": now}).first()
    return None if row is None else Access(row.ecosystem, row.name, row.expires_at)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_ADD = text("""
    insert into access_token (digest, ecosystem, name, created_at, expires_at)
    values (:digest, :ecosystem, :name, :now, :expires_at)
""")

_FIND = text("select ecosystem, name, expires_at from access_token where digest = :digest and expires_at > :now")
