"""The store's epoch: named in every receipt, and another one once a backup was restored.

What was committed after the backup is gone then, and devices, told a new epoch, send again all that they still hold.

A database is recognised by what no restored copy shares with it: the cluster's identifier (another one after a restored
dump), its timeline (another one after recovery from a base backup, and after a failover), and the numbers of database
and table (others after a dump restored in place). A copy of the files as a whole shares all of them: that one a
running gateway notices by its own count of commits, and otherwise `thalweg store new-epoch` says so.
"""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, text

_EPOCH_LOCK: Final = 7_401_003


def present_epoch(connection: Connection) -> str:
    """The epoch of this database; begins a new one where this is a restored copy, or a new store."""
    epoch = _recognised(connection)
    if epoch is None:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _EPOCH_LOCK})
        epoch = _recognised(connection) or new_epoch(connection)
    return epoch


def new_epoch(connection: Connection) -> str:
    """Begin a new epoch and return its name."""
    epoch = secrets.token_hex(8)
    connection.execute(_BEGIN, {"epoch": epoch})
    return epoch


def _recognised(connection: Connection) -> str | None:
    row = connection.execute(_LATEST).first()
    if row is None or row.fingerprint not in ("", row.present):
        return None
    if not row.fingerprint:
        connection.execute(_RECOGNISE, {"epoch": row.epoch})
    return str(row.epoch)


_FINGERPRINT: Final = """
    concat_ws('/', (select system_identifier from pg_control_system()),
              left(pg_walfile_name(pg_current_wal_lsn()), 8),
              (select oid from pg_database where datname = current_database()), 'store_life' ::regclass ::oid)
"""

_LATEST = text(f"""
    select epoch, fingerprint, {_FINGERPRINT} as present from store_life order by began_at desc, epoch limit 1
""")  # noqa: S608 - a constant

_RECOGNISE = text(f"update store_life set fingerprint = {_FINGERPRINT} where epoch = :epoch")  # noqa: S608 - a constant

_BEGIN = text(f"""
    insert into store_life (epoch, began_at, fingerprint) values (:epoch, clock_timestamp(), {_FINGERPRINT})
""")  # noqa: S608 - a constant
