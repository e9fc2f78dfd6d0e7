"""Putting a design in force: meters that are new are fed from the batches before, all others go on.

A design is either in force with its history or not at all, and ingest waits for as little of it as can be:

1. Under the exclusive directory lock, for an instant: the last batch number given out. No ingest is in flight, so every
   batch up to it is committed, and every later one has a higher number.
2. Without the lock: the batches up to there that nothing changes any more are measured. Only batches that wait for a
   clock or have refused events are ever booked again, so those are put on a list beforehand and left for later.
   Whatever else bears on the sums (assignments, closes, designs, retention) raises the directory's version.
3. Under the lock: if the version is still the one of step 1, the batches since and those of the list are measured, and
   all is booked in the transaction that puts the design in force. Otherwise it begins anew, at the last try with
   everything under the lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from thalweg.design import load
from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.meters import Meter
from thalweg.errors import UnknownEcosystem
from thalweg.mapping import Plan
from thalweg_store.assignments import BEGINNING, read_assignments
from thalweg_store.backfill import Backfill, MissedMeter
from thalweg_store.batches import booked_batches
from thalweg_store.database import Database
from thalweg_store.directory_lock import lock_exclusively, raise_version
from thalweg_store.facts import QUARTER, quarter_hour
from thalweg_store.fed_meters import fed_meters, number_meters
from thalweg_store.measuring import CLOCK_TOLERANCE

#: how often batches are measured without the lock before all of it is done under the lock
_TRIES: Final = 3


class _Mark(NamedTuple):
    """Where the store stood while no ingest was in flight."""

    directory_version: int
    #: every batch up to this number is committed, every later one has a higher number
    last_batch: int


class _ChangedMeanwhileError(Exception):
    """The directory has changed since the mark was made."""


def activate(database: Database, ecosystem: str, document: str, content_hash: str, now: datetime) -> int:
    """Put a validated design in force and return its version; the design already in force keeps its version.

    Raises UnknownEcosystem.
    """
    meters = meters_to_feed(load(document))
    with database.transaction() as connection:
        numbers = number_meters(connection, {each: meter.id for each, meter in meters.items()})
    for _ in range(_TRIES):
        mark = _mark(database, ecosystem)
        try:
            return _Activation(ecosystem, document, content_hash, meters, numbers, now).run(database, mark)
        except _ChangedMeanwhileError:
            continue
    return _Activation(ecosystem, document, content_hash, meters, numbers, now).run(database, None)


def _mark(database: Database, ecosystem: str) -> _Mark:
    with database.transaction() as connection:
        lock_exclusively(connection)
        row = connection.execute(_MARK, {"ecosystem": ecosystem}).first()
        if row is None:
            raise UnknownEcosystem(ecosystem)
        return _Mark(row.directory_version, row.last_batch)


class _Activation(NamedTuple):
    """One design that is put in force; `meters` and their `numbers` are by content hash."""

    ecosystem: str
    document: str
    content_hash: str
    meters: dict[str, Meter | ChargeMeter]
    numbers: dict[str, int]
    now: datetime

    def run(self, database: Database, mark: _Mark | None) -> int:
        """Do it and return the version; raises _ChangedMeanwhileError, after which nothing is kept."""
        with database.transaction() as connection:
            if mark is None:
                lock_exclusively(connection)
            backfill = self._backfill(connection)
            if backfill is not None and mark is not None:
                connection.execute(_LIST_UNSETTLED, self._with(last=mark.last_batch))
                backfill.add(self._batches(connection, _SETTLED, last=mark.last_batch))
            lock_exclusively(connection)
            found = raise_version(connection, self.ecosystem)
            if mark is not None and found != mark.directory_version:
                raise _ChangedMeanwhileError
            if backfill is not None:
                backfill.add(
                    self._batches(connection, "true")
                    if mark is None
                    else self._batches(connection, _UNSETTLED, last=mark.last_batch)
                )
                backfill.pour(self.ecosystem)
            return self._put_in_force(connection)

    def _backfill(self, connection: Connection) -> Backfill | None:
        """What adds up what the design's meters missed; None where they missed nothing."""
        before = fed_meters(connection, self.ecosystem)
        missed = [
            MissedMeter(self.numbers[each], Plan((meter,)), before.get(each))
            for each, meter in self.meters.items()
            if each not in before or before[each].fed_through is not None
        ]
        assignments = read_assignments(connection, self.ecosystem)
        return Backfill(connection, missed, list(before.values()), assignments) if missed else None

    def _batches(self, connection: Connection, only: str, **parameters: int) -> Any:
        return booked_batches(connection, self.ecosystem, only=only, only_with=parameters)

    def _put_in_force(self, connection: Connection) -> int:
        latest = connection.execute(_LATEST_DESIGN, self._with()).first()
        version = 0 if latest is None else int(latest.version)
        if latest is None or latest.hash != self.content_hash:
            version += 1
            new = self._with(version=version, hash=self.content_hash, document=self.document, now=self.now)
            connection.execute(_ADD_DESIGN, new)
        covers_from = first_kept(connection, self.ecosystem)
        fed = self._with(meters=list(self.numbers.values()), version=version, now=self.now)
        connection.execute(_COVER, fed | {"from": covers_from})
        connection.execute(_END_COVER, fed)
        return version

    def _with(self, **parameters: Any) -> dict[str, Any]:
        return {"ecosystem": self.ecosystem, **parameters}


def first_kept(connection: Connection, ecosystem: str) -> datetime:
    """The first quarter hour all of whose batches have kept their bytes."""
    kept_from = connection.scalar(_KEPT_FROM, {"ecosystem": ecosystem})
    if kept_from is None:
        return BEGINNING
    return quarter_hour(kept_from + CLOCK_TOLERANCE) + QUARTER


_MARK = text("""
    select directory_version,
           coalesce(pg_sequence_last_value(pg_get_serial_sequence('batch', 'id')::regclass), 0) as last_batch
    from ecosystem where id = :ecosystem
""")

_LIST_UNSETTLED = text("""
    create temporary table unsettled_batch on commit drop as
    select b.id from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and (b.outcome = 'parked' or b.refused is not null) and b.id <= :last
""")

_SETTLED: Final = "b.id <= :last and not exists (select 1 from unsettled_batch u where u.id = b.id)"

#: in a form that needs no look at the settled ones
_UNSETTLED: Final = "b.id > :last or b.id = any (array(select u.id from unsettled_batch u))"

_LATEST_DESIGN = text("""
    select version, hash from design where ecosystem = :ecosystem order by version desc limit 1
""")

_ADD_DESIGN = text("""
    insert into design (ecosystem, version, hash, document, activated_at)
    values (:ecosystem, :version, :hash, :document, :now)
""")

_KEPT_FROM = text("select bytes_from from retention where ecosystem = :ecosystem")

_COVER = text("""
    insert into meter_coverage as c (ecosystem, meter, covers_from)
    select :ecosystem, meter, :from from unnest(:meters ::int[]) as m (meter)
    on conflict (ecosystem, meter) do update
    set fed_through = null, fed_until = null,
        covers_from = case
            when c.fed_through is not null and c.fed_until < :from then excluded.covers_from else c.covers_from
        end
""")

_END_COVER = text("""
    update meter_coverage set fed_through = :version - 1, fed_until = :now
    where ecosystem = :ecosystem and fed_through is null and meter <> all(:meters)
""")
