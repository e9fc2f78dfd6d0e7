"""The designs of an ecosystem: every version that was ever put in force."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from thalweg.errors import SetupError
from thalweg_store.database import Database


class DesignVersion(NamedTuple):
    """A design as it was put in force; it stays so until the next one."""

    version: int
    hash: str
    document: str
    activated_at: datetime


def design_versions(database: Database, ecosystem: str) -> list[DesignVersion]:
    """All versions, oldest first; none for an ecosystem without a design."""
    with database.snapshot() as connection:
        return [DesignVersion(*row) for row in connection.execute(_VERSIONS, {"ecosystem": ecosystem})]


def design_version(database: Database, ecosystem: str, version: int) -> DesignVersion:
    """The version of that number; raises SetupError where there is none."""
    found = design_versions(database, ecosystem)
    for each in found:
        if each.version == version:
            return each
    known = f"there are versions 1 to {found[-1].version}" if found else "none was ever activated"
    raise SetupError(f"{ecosystem!r} has no design version {version}: {known}")


_VERSIONS = text("""
    select version, hash, document, activated_at from design where ecosystem = :ecosystem order by version
""")
