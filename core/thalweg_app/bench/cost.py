"""What work costs: time on the clock, and of the processor, the database's own processes included."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14  # behind the name, in /proc/…/stat
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds since some moment, or between two."""

    clock: float
    #: of the processor, in all
    processor: float
    #: of which the database's processes
    database: float

    def since(self, before: Cost) -> Cost:
        """What was spent since then."""
        return Cost(
            clock=self.clock - before.clock,
            processor=self.processor - before.processor,
            database=self.database - before.database,
        )


class CostMeter:
    """Reads what this process and one database server have spent; the server's part is 0 where there is no /proc."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._server = int(_stat(self._connection.info.backend_pid)[_PARENT])

    def read(self) -> Cost:
        """So far."""
        own = self._connection.execute("select pid from pg_stat_activity where pid is not null").fetchall()
        ticks = sum(_spent(pid, _USER, _SYSTEM) for (pid,) in own)
        ticks += _spent(self._server, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM)
        database = ticks / _TICKS
        return Cost(clock=time.perf_counter(), processor=time.process_time() + database, database=database)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _spent(process_id: int, *fields: int) -> int:
    found = _stat(process_id)
    return sum(int(found[field]) for field in fields)


def _stat(process_id: int) -> list[str]:
    """The fields behind the process's name; zeros for one that has ended, whose time is then its parent's."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20
