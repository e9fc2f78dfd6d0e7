"""One run: the gateway's own pipeline on a database of its own, until everything sent was acknowledged."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from thalweg.errors import StoreUnavailable
from thalweg_app.bench.figures import machine
from thalweg_app.bench.memory import MAX_GATEWAY_RSS_BYTES, peak_rss_bytes
from thalweg_app.demo_world import ECOSYSTEM
from thalweg_app.fuzz.broker import BrokerReport
from thalweg_app.fuzz.ledger import Account, Ledger
from thalweg_app.fuzz.messages import Messages
from thalweg_app.fuzz.senders import register_senders
from thalweg_app.fuzz.source import FuzzSource
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_gateway.observability import Unobserved
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.source import Message
from thalweg_store.database import Database
from thalweg_store.logs import JsonLines, TextLines

#: what a process may grow by once it has warmed up, however long it goes on
MAX_GROWTH_BYTES: Final = 50_000_000
_WARM_UP: Final = 50_000
_TELL_EVERY: Final = 50_000
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A message that the gateway did not survive, or that it never got past."""

    error: str
    where: str
    #: how many messages did it; the others fields are of the first
    count: int
    topic: str
    payload_hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run came to."""

    seed: int
    messages: int
    acknowledged: int
    strategies: dict[str, int]
    account: Account
    crashes: list[Crash]
    receipts: int
    log_lines: int
    #: log lines that could not be written
    log_failures: int
    seconds: float
    #: of the processor, the database's own processes left out
    processor_seconds: float
    #: resident memory once warmed up, at the end, and at most
    rss_bytes: dict[str, int]
    #: what went through a real broker, if anything did
    broker: BrokerReport | None = None

    @property
    def unaccounted(self) -> int:
        """Messages that are missing from the account, or (negative) in it without having been sent."""
        return self.messages - self.account.messages

    @property
    def is_ok(self) -> bool:
        """No crash, everything accounted for, memory within its bounds."""
        rss, account = self.rss_bytes, self.account
        is_bounded = rss["peak"] <= MAX_GATEWAY_RSS_BYTES and rss["after"] - rss["before"] <= MAX_GROWTH_BYTES
        missing = self.unaccounted or self.messages - self.acknowledged or (self.broker and self.broker.unaccounted)
        is_whole = not missing and account.events_received == account.events_tallied
        return is_whole and is_bounded and not self.crashes and not self.log_failures

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        limits = {"peak_limit": MAX_GATEWAY_RSS_BYTES, "growth_limit": MAX_GROWTH_BYTES}
        return {
            **asdict(self),
            "rss_bytes": self.rss_bytes | limits,
            "accounted": self.account.messages,
            "unaccounted": self.unaccounted,
            "broker_unaccounted": self.broker.unaccounted if self.broker else None,
            "machine": machine(),
            "ok": self.is_ok,
        }


def run(seed: int, messages: int, tell: Callable[[str], None]) -> Report:
    """Send so many messages and account for them; raises SetupError when there is no database to be had."""
    with tempfile.TemporaryDirectory(prefix="thalweg-fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # run by root, the database has an account of its own
        # what is measured here is no matter of disks, and the data is gone afterwards
        with EmbeddedPostgres(folder / "postgres", {"fsync": "off", "full_page_writes": "off"}) as server:
            database = Database(server.url)
            database.upgrade()
            try:
                return _Soak(database, seed, messages, tell).run(server.dsn)
            finally:
                database.close()


class _StuckError(Exception):
    """The database is there, and the gateway tries the same again and again."""


class _Watch(Unobserved):
    """Ends what would be tried for ever."""

    def __init__(self) -> None:
        self._failed = 0

    def database_away(self, error: StoreUnavailable) -> None:
        self._failed += 1
        if self._failed >= _TRIES:
            raise _StuckError(str(error))

    def database_answered(self, directory: object) -> None:  # noqa: ARG002 - what it says is no matter
        self._failed = 0


class _Lines(logging.Handler):
    """Formats every line in both styles, and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = self.failures = 0
        self._styles = (JsonLines("fuzz"), TextLines("fuzz"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        try:
            self._styles[self.lines % 2].format(record).encode(errors="backslashreplace")
        except Exception:  # noqa: BLE001 - whatever it is, it is a line that an operator lacks
            self.failures += 1


class _Soak:
    """One run on an empty, migrated database."""

    def __init__(self, database: Database, seed: int, messages: int, tell: Callable[[str], None]) -> None:
        self._database = database
        self._seed = seed
        self._count = messages
        self._tell = tell
        self._root_key = secrets.token_bytes(32)
        #: kind of error and place → crash
        self._crashes: dict[tuple[str, str], Crash] = {}
        senders = register_senders(database, self._root_key, datetime.now(UTC))
        self._ledger = Ledger(senders)
        self._source = FuzzSource(Messages(senders, seed), messages, self._ledger.saw)

    def run(self, dsn: str) -> Report:
        """Everything, from the first message to the report."""
        logger, lines = logging.getLogger("thalweg_gateway"), _Lines()
        logger.addHandler(lines)
        logger.propagate = False
        began, processor = time.perf_counter(), time.process_time()
        try:
            before = self._work()
        finally:
            logger.removeHandler(lines)
            logger.propagate = True
        seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor
        after = rss_bytes()
        return Report(
            seed=self._seed,
            messages=self._count,
            acknowledged=self._source.acknowledged,
            strategies=dict(sorted(self._source.strategies.items())),
            account=self._ledger.account(dsn),
            crashes=list(self._crashes.values()),
            receipts=self._source.published,
            log_lines=lines.lines,
            log_failures=lines.failures,
            seconds=seconds,
            processor_seconds=processor_seconds,
            rss_bytes={"before": before or after, "after": after, "peak": peak_rss_bytes(os.getpid())},
        )

    def _work(self) -> int:
        """Step until everything is acknowledged; resident memory once warmed up, 0 when it never was."""
        pipeline, before, told = self._pipeline(), 0, 0
        while not self._source.is_done:
            try:
                pipeline.step()
            except Exception as error:  # noqa: BLE001 - what else there is, is what is looked for
                self._stumbled(error)
                pipeline = self._pipeline()
            done = self._source.acknowledged
            if not before and done >= _WARM_UP:
                gc.collect()
                before = rss_bytes()
            if done - told >= _TELL_EVERY:
                told = done
                self._tell(f"{done:,} messages, {rss_bytes() / 1e6:.0f} MB, {self._dropped} crashes")
        return before

    @property
    def _dropped(self) -> int:
        return sum(crash.count for crash in self._crashes.values())

    def _pipeline(self) -> Pipeline:
        return Pipeline(self._source, self._database, ECOSYSTEM, self._root_key, "fuzz", _Watch())

    def _stumbled(self, error: Exception) -> None:
        """Find the message that did it: alone, it does it again."""
        taken = self._source.taken
        if len(taken) != 1:
            self._source.deliver_again()
            return
        crash = _crash(error, taken[0])
        key = type(error).__name__, crash.where
        known = self._crashes.get(key)
        self._crashes[key] = replace(known, count=known.count + 1) if known else crash
        self._source.drop()


def _crash(error: Exception, message: Message) -> Crash:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Crash(
        error=f"{type(error).__name__}: {error}"[:500],
        where=f"{Path(last.filename).name}:{last.lineno} {last.name}",
        count=1,
        topic=ascii(message.topic)[:500],
        payload_hex=message.payload[:2000].hex(),
    )


def rss_bytes() -> int:
    """Resident memory of this process; 0 where the system has no /proc."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0
