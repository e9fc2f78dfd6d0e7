"""Which fault comes when: a seeded plan, in parts of the load instead of seconds, so that every fault meets traffic."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What happens to the system. The first eight are faults, the others are done by whoever runs it."""

    GATEWAY = "gateway"  #: kill -9
    BROKER = "broker"  #: kill -9
    DATABASE = "database"  #: kill -9
    ALL = "all"  #: the three at once
    AWAY = "away"  #: the database is stopped for a while
    LOCK = "lock"  #: somebody locks a table for a while
    FULL = "full"  #: the database's disk is full for a while
    RESTORE = "restore"  #: the database is put back to an earlier copy of its files
    BACKUP = "backup"  #: that copy is made
    CLOSE = "close"  #: a period is closed, for which events still come


#: what can be asked for; a backup comes with its restore
FAULTS: Final = (Kind.GATEWAY, Kind.BROKER, Kind.DATABASE, Kind.ALL, Kind.AWAY, Kind.LOCK, Kind.FULL, Kind.RESTORE)
_KILLS: Final = (Kind.GATEWAY, Kind.BROKER, Kind.DATABASE)
#: a long run kills each server once more for so many events
_EVENTS_OF_A_ROUND: Final = 250_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long faults last that do last, in seconds."""

    away: int = 60
    lock: int = 20
    full: int = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    kind: Kind
    #: when: the part of the load's messages that have been sent, 0 to 1
    at: float
    #: and for how long; 0: at once
    seconds: int
    #: the load may have sent so much before, and so much until the next step
    limit: float


def plan(
    seed: int, events: int, faults: Collection[Kind], durations: Durations, rounds: int | None = None
) -> tuple[Step, ...]:  # fmt: skip
    """The steps in order. Kills come in `rounds`, by default one for each 250,000 events; every other fault once.

    The same arguments give the same plan. A period is closed after the last restore, which would undo it.
    """
    chance = random.Random(f"plan/{seed}")  # noqa: S311 - reproducible, no secret
    kinds = [kind for kind in _KILLS if kind in faults] * (rounds or max(1, events // _EVENTS_OF_A_ROUND))
    kinds += [kind for kind in FAULTS if kind not in _KILLS and kind in faults]
    chance.shuffle(kinds)
    if Kind.RESTORE in kinds:  # with something between, so that the restore loses something
        kinds.insert(chance.randint(0, max(0, kinds.index(Kind.RESTORE) - 1)), Kind.BACKUP)
    first = kinds.index(Kind.RESTORE) + 1 if Kind.RESTORE in kinds else 0
    kinds.insert(chance.randint(first, len(kinds)), Kind.CLOSE)
    lasting = {Kind.AWAY: durations.away, Kind.LOCK: durations.lock, Kind.FULL: durations.full}
    parts = len(kinds) + 1
    return tuple(
        Step(kind, (number + chance.uniform(0.2, 0.8)) / parts, lasting.get(kind, 0), (number + 1) / parts)
        for number, kind in enumerate(kinds)
    )
