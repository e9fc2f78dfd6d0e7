"""The way of a message: take ▸ decode ▸ verify ▸ deduplicate ▸ map ▸ one transaction ▸ commit ▸ acknowledge ▸ receipt.

Killed at any instant, it loses nothing: what was not acknowledged is delivered again, and what was committed before is
recognised as a duplicate. While the database is away it takes nothing, holds what it took, and goes on by itself.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from thalweg.design import load
from thalweg.errors import StoreError, StoreUnavailable
from thalweg.mapping import Plan, compile_plan
from thalweg_gateway.booking import Booking, MeterPlan
from thalweg_gateway.intake import Batch, KeyRing, State, read
from thalweg_gateway.receipts import Receipts
from thalweg_gateway.source import Message, Source
from thalweg_store.database import Database
from thalweg_store.ingest import BootKey, IngestTransaction, ingest
from thalweg_store.registry import Directory, Registry
from thalweg_store.rejections import Rejection

_LOG = logging.getLogger(__name__)
MAX_MESSAGES: Final = 500
_IDLE_SECONDS: Final = 0.5
_FIRST_RETRY_SECONDS: Final = 0.1
_LAST_RETRY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _View:
    """The directory that messages are read against, and the meters of its design."""

    directory: Directory
    meters: MeterPlan
    store_epoch: str


class _StaleDirectoryError(Exception):
    """The registry has changed since the messages were read against it."""


class _StoppedError(Exception):
    """The gateway was told to stop while it waited for the database; nothing was acknowledged."""


class Pipeline:
    """One gateway's loop over one source."""

    def __init__(self, source: Source, database: Database, ecosystem: str, root_key: bytes, instance: str) -> None:
        self._source = source
        self._database = database
        self._registry = Registry(database)
        self._ecosystem = ecosystem
        self._instance = instance
        self._ring = KeyRing(root_key, ecosystem)
        self._receipts = Receipts(ecosystem, self._ring, source.publish)
        self._view: _View | None = None
        self._is_stopping = False

    def run(self) -> None:
        """Work until `stop` is called; raises UnknownEcosystem when there is nothing to work for."""
        try:
            self._insist((), lambda _: self._present_view())
            while not self._is_stopping:
                self.step()
        except _StoppedError:
            _LOG.info("stopped while the database was away; the broker keeps what was taken")
        self._source.close()

    def stop(self) -> None:
        """Finish the present step and leave; may be called from a signal handler."""
        self._is_stopping = True

    def step(self) -> None:
        """Take what there is, commit it, acknowledge it, send the receipts that are due."""
        wait_seconds = self._receipts.seconds_until_due(time.monotonic(), _IDLE_SECONDS)
        messages = self._source.take(MAX_MESSAGES, wait_seconds)
        if messages:
            self._book(messages)
        self._receipts.send_due(time.monotonic())

    def _book(self, messages: Sequence[Message]) -> None:
        """Book `messages`; when the store refuses them, halve until the one that it refuses stands alone."""
        try:
            self._insist(messages, self._commit)
        except StoreError as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                self._book(messages[:middle])
                self._book(messages[middle:])
                return
            _LOG.error("a message on %s cannot be stored: %s", messages[0].topic, error)
            self._insist(messages, partial(self._commit_refused, str(error)))
        self._source.commit(messages)

    def _insist(self, messages: Sequence[Message], commit: Callable[[Sequence[Message]], object]) -> None:
        """Call `commit` until the database is there and the directory is fresh."""
        retry_seconds = _FIRST_RETRY_SECONDS
        while not self._is_stopping:
            try:
                commit(messages)
            except _StaleDirectoryError:
                self._view = None
            except StoreUnavailable as error:
                _LOG.warning("%s; next try in %.1f s", error, retry_seconds)
                self._source.pause()
                time.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, _LAST_RETRY_SECONDS)
            else:
                self._source.resume()
                return
        raise _StoppedError

    def _commit(self, messages: Sequence[Message]) -> None:
        """Read `messages` and book them in one transaction; owe receipts for what is committed then."""
        view = self._present_view()
        arrivals = [read(message, view.directory, self._ring) for message in messages]
        batches = [each for each in arrivals if isinstance(each, Batch)]
        states = [each for each in arrivals if isinstance(each, State)]
        booking = Booking(rejections=[each for each in arrivals if isinstance(each, Rejection)])
        now = datetime.now(UTC)
        with ingest(self._database, self._instance) as transaction:
            if transaction.directory_version(self._ecosystem) != view.directory.version:
                raise _StaleDirectoryError
            transaction.lock(_boots(batches, states))
            admissions = transaction.admit([batch.facts for batch in batches])
            for batch, admission in zip(batches, admissions, strict=True):
                booking.add(batch, admission, view.meters)
            transaction.book(
                batches=booking.batches,
                states=[state.facts for state in states],
                rollups=booking.rollups,
                panes=booking.panes,
                tallies=booking.tallies,
                rejections=booking.rejections,
                now=now,
            )
        _log_rejections(booking.rejections)
        self._owe_receipts([*batches, *states], transaction, view.store_epoch, now)

    def _commit_refused(self, why: str, messages: Sequence[Message]) -> None:
        """Keep a message that the store refuses as a rejection, so that it blocks nobody behind it."""
        rejections = [
            Rejection(
                topic=message.topic,
                ecosystem=self._ecosystem,
                principal="",
                reason="refused_by_store",
                detail=why,
                payload=message.payload,
                received_at=message.received_at,
            )
            for message in messages
        ]
        with ingest(self._database, self._instance) as transaction:
            transaction.book_rejections(rejections)

    def _owe_receipts(
        self, arrivals: Sequence[Batch | State], transaction: IngestTransaction, store_epoch: str, now: datetime
    ) -> None:
        owed = {(arrival.device.name, arrival.facts.key): arrival.device for arrival in arrivals}
        now_ms = int(now.timestamp() * 1000)
        for (_, key), device in owed.items():
            self._receipts.owe(device, key.boot, transaction.ranges(key), store_epoch, now_ms)

    def _present_view(self) -> _View:
        if self._view is None:
            directory = self._registry.directory(self._ecosystem)
            plan = compile_plan(load(directory.design_document)) if directory.design_document else Plan(())
            numbers = self._registry.meter_ids({meter.hash: meter.id for meter in plan.meters})
            self._view = _View(directory, MeterPlan(plan, numbers), self._database.store_epoch())
            _LOG.info(
                "directory version %d: %d devices, %d meters", directory.version, len(directory.devices), len(numbers)
            )
        return self._view


def _boots(batches: Sequence[Batch], states: Sequence[State]) -> set[BootKey]:
    """Every boot that a transaction may touch: those of the messages, and those that births look back to."""
    boots = {batch.facts.key for batch in batches} | {state.facts.key for state in states}
    boots |= {BootKey(s.facts.key.device, s.facts.previous[0]) for s in states if s.facts.previous is not None}
    return boots


def _log_rejections(rejections: Sequence[Rejection]) -> None:
    for (topic, reason), count in Counter((each.topic, each.reason) for each in rejections).items():
        _LOG.warning("rejected %d on %s: %s", count, topic, reason)
