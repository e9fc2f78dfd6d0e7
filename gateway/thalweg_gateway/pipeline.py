"""The way of a message: take ▸ decode ▸ verify ▸ deduplicate ▸ map ▸ one transaction ▸ commit ▸ acknowledge ▸ receipt.

Killed at any instant, it loses nothing: what was not acknowledged is delivered again, and what was committed before is
recognised as a duplicate. While the database is away it takes nothing, holds what it took, and goes on by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

from thalweg.errors import StoreError, StoreUnavailable
from thalweg_gateway import live_panes
from thalweg_gateway.commit import Committer, StaleDirectoryError
from thalweg_gateway.foreign import ForeignCommitter
from thalweg_gateway.foreign_intake import ForeignIntake, read_foreign
from thalweg_gateway.foreign_parts import ForeignSource
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.log_context import about
from thalweg_gateway.look_ahead import LookAhead, Take
from thalweg_gateway.new_life import NewLife
from thalweg_gateway.observability import UNOBSERVED, Commit, Observer
from thalweg_gateway.parking_end import expire_parking
from thalweg_gateway.preparing import Prepared, View
from thalweg_gateway.receipts import Receipts
from thalweg_gateway.source import Message, Source
from thalweg_store.database import Database

_LOG = logging.getLogger(__name__)
MAX_MESSAGES: Final = 2000
_IDLE_SECONDS: Final = 0.5
_FIRST_RETRY_SECONDS: Final = 0.1
_LAST_RETRY_SECONDS: Final = 5.0
_PARKING_SECONDS: Final = 60.0


class _StoppedError(Exception):
    """The gateway was told to stop while it waited for the database; nothing was acknowledged."""


class Pipeline:
    """One gateway's loop over one source."""

    def __init__(
        self,
        source: Source,
        database: Database,
        ecosystem: str,
        root_key: bytes,
        instance: str,
        observer: Observer = UNOBSERVED,
        *,
        live_seconds: float = live_panes.INTERVAL_SECONDS,
        foreign: ForeignIntake | None = None,
    ) -> None:
        """`live_seconds`: how long at least between two writes of the live view; `foreign` reads other devices."""
        self._source = source
        self._ahead = LookAhead(source, MAX_MESSAGES)
        self._database = database
        self._instance = instance
        self._observer = observer
        ring = KeyRing(root_key, ecosystem)
        self._committer = Committer(database, ecosystem, ring, instance, live_panes.LivePanes(live_seconds))
        self._foreign = foreign
        self._foreign_committer = ForeignCommitter(database, self._committer, instance)
        self._receipts = Receipts(ecosystem, ring, source.publish, observer.receipts)
        self._new_life = NewLife(database, ecosystem, instance)
        self._parking_due = 0.0
        self._is_stopping = False

    def run(self) -> None:
        """Work until `stop` is called; raises UnknownEcosystem when there is nothing to work for."""
        try:
            self._insist(lambda: self._receipts.owe(self._new_life.at_the_start(self._committer.view().directory)))
            self._receipts.start()
            while not self._is_stopping:
                self.step()
            with suppress(StaleDirectoryError, StoreError):
                self._committer.write_panes()
        except _StoppedError:
            _LOG.info("stopped while the database was away; the broker keeps what was taken")
        self._ahead.close()
        self._receipts.close()
        self._source.close()

    def stop(self) -> None:
        """Finish the present step and leave; may be called from a signal handler."""
        self._is_stopping = True

    def step(self) -> None:
        """Take what there is, commit it, acknowledge it, send the receipts that are due."""
        take = self._ahead.take(_IDLE_SECONDS)
        self._observer.took(take.messages)
        if take.messages:
            self._book(take)
            self._tell_new_life()
        self._receipts.send_due(time.monotonic())
        if self._committer.has_panes_due(time.monotonic()):
            self._insist(self._committer.write_panes)
        if time.monotonic() >= self._parking_due:
            self._insist(self._end_parking)
            self._parking_due = time.monotonic() + _PARKING_SECONDS

    def _book(self, take: Take) -> None:
        """Book a take; when the store refuses it, halve until the message that it refuses stands alone."""
        messages = take.messages
        try:
            self._insist(partial(self._commit, take))
        except StoreError as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                self._book(Take(messages[:middle]))
                self._book(Take(messages[middle:]))
                return
            topic, payload, _, _ = messages[0]
            _LOG.error("a message on %s cannot be stored: %s", topic, error, extra=about(topic, payload))
            self._insist(partial(self._committer.commit_refused, messages, str(error)))
            self._observer.committed(Commit.refused(messages))
        self._source.commit(messages)

    def _tell_new_life(self) -> None:
        """Owe every device a receipt once the store turns out to live another life."""
        directory = self._committer.directory
        if directory is not None and self._new_life.is_untold(directory):
            self._insist(lambda: self._receipts.owe(self._new_life.receipts(directory)))

    def _insist(self, act: Callable[[], object]) -> None:
        """Call `act` until the database is there and the directory is fresh."""
        retry_seconds = _FIRST_RETRY_SECONDS
        while not self._is_stopping:
            try:
                act()
            except StaleDirectoryError:
                self._committer.forget_view()
            except StoreUnavailable as error:
                _LOG.warning("%s; next try in %.1f s", error, retry_seconds)
                self._observer.database_away(error)
                self._source.pause()
                time.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, _LAST_RETRY_SECONDS)
            else:
                self._observer.database_answered(self._committer.directory)
                self._source.resume()
                return
        raise _StoppedError

    def _commit(self, take: Take) -> None:
        """Commit a take, messages that are not ours by themselves, and owe the receipts for ours."""
        messages = take.messages
        if self._foreign is not None:
            messages, others = self._foreign.split(messages)
            for reader, group in others:
                self._commit_foreign(self._foreign.source(reader), group)
            if not messages:
                return
        began = time.monotonic()
        prepared = take.prepared() or self._committer.prepare(messages)
        self._ahead.begin(partial(self._prepare_ahead, prepared.view))
        committed = self._committer.write(prepared)
        self._observer.committed(Commit.of(messages, committed, time.monotonic() - began))
        self._receipts.owe(committed.receipts)

    def _prepare_ahead(self, view: View, messages: Sequence[Message]) -> Prepared:
        ours = messages if self._foreign is None else self._foreign.split(messages)[0]
        return self._committer.prepare_under(view, ours)

    def _commit_foreign(self, source: ForeignSource, messages: Sequence[Message]) -> None:
        began = time.monotonic()
        committed = self._foreign_committer.commit(source, [read_foreign(each, source.reader) for each in messages])
        self._observer.committed(Commit.foreign(messages, committed, time.monotonic() - began))

    def _end_parking(self) -> None:
        expire_parking(self._database, self._committer, self._instance, datetime.now(UTC))
