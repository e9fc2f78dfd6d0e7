"""What an operator watches in the store: whether its tables are current, and what is missing, parked or silent.

Cheap enough to be asked four times a minute: of batches it reads the parked ones only. The server ends it after five
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from thalweg.errors import SetupError
from thalweg_store.database import MIGRATIONS, Database

#: a silent device has value at stake when it measured something in so long before it fell silent
STAKE: Final = timedelta(days=1)
_LIMIT_MS: Final = 5000


@dataclass(frozen=True, slots=True)
class Condition:
    """One ecosystem as an operator watches it."""

    #: events that devices are known to have numbered, that have not arrived and were not declared lost
    gap_events: int
    #: events that devices declared lost and that have not arrived since
    lost_events: int
    #: events that arrived without a clock and wait for it
    parked_events: int
    #: batches that wait for an operator, their key being compromised
    quarantined_batches: int
    #: active ones
    devices: int
    #: devices that have not been heard for longer than they should
    silent_devices: int
    #: silent devices that measured something within a day before the last word
    silent_devices_with_value: int


def check_tables(database: Database) -> None:
    """Raise SetupError unless the tables are those of this release, and StoreUnavailable while the server is away."""
    head = _head()
    with database.snapshot() as connection:
        exists = connection.scalar(text("select to_regclass('alembic_version') is not null"))
        present = connection.scalar(text("select version_num from alembic_version")) if exists else None
    if present != head:
        found = f"at revision {present}" if present else "missing"
        raise SetupError(f"the tables are {found}, this release needs {head}: run `thalweg database upgrade`")


@cache
def _head() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def conditions(
    database: Database, now: datetime, *, silent_when_on: timedelta, silent_when_off: timedelta
) -> Mapping[str, Condition]:
    """Every ecosystem's condition, by its id; a device is silent after so long, connected or not."""
    parameters = {"on": now - silent_when_on, "off": now - silent_when_off, "stake": STAKE}
    with database.snapshot() as connection:
        connection.execute(text(f"set local statement_timeout = {_LIMIT_MS}"))
        rows = connection.execute(_CONDITIONS, parameters).all()
    return {row.ecosystem: Condition(*map(int, row[1:])) for row in rows}


_CONDITIONS = text("""
    with arrival as (
        select d.ecosystem, d.id, d.active, sum(b.numbered - b.received - b.lost) as gaps, sum(b.lost) as lost,
               max(b.last_at) filter (where b.last_at > '-infinity') as last_at
        from device d left join boot b on b.device = d.id
        group by d.id
    ),
    hearing as (
        select a.ecosystem, a.id, greatest(s.heard_at, a.last_at) as heard_at,
               case when s.is_on then :on ::timestamptz else :off ::timestamptz end as silent_before
        from arrival a left join device_state s on s.device = a.id
        where a.active
    ),
    silence as (
        select ecosystem, id, heard_at from hearing where heard_at is null or heard_at < silent_before
    )
    select e.id as ecosystem,
           (select coalesce(sum(gaps), 0) from arrival a where a.ecosystem = e.id) as gap_events,
           (select coalesce(sum(lost), 0) from arrival a where a.ecosystem = e.id) as lost_events,
           (select coalesce(sum(b.count), 0)
            from boot w join batch b on b.device = w.device and b.boot = w.boot and b.outcome = 'parked'
            join device d on d.id = w.device
            where w.parked_since is not null and d.ecosystem = e.id) as parked_events,
           (select count(*) from quarantine q join device d on d.id = q.device
            where d.ecosystem = e.id) as quarantined_batches,
           (select count(*) from hearing h where h.ecosystem = e.id) as devices,
           (select count(*) from silence s where s.ecosystem = e.id) as silent_devices,
           (select count(*) from silence s where s.ecosystem = e.id and exists (
               select 1 from tally t
               where t.device = s.id and t.outcome = 'mapped' and t.bucket >= s.heard_at - :stake ::interval
            )) as silent_devices_with_value
    from ecosystem e
""")
