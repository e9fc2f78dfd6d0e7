"""`thalweg replay`: a file of third-party records, fed through the same pipeline as what comes by MQTT."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from thalweg import examples
from thalweg.design import Design, content_hash
from thalweg.design import load as load_design
from thalweg.errors import SetupError
from thalweg.profiles import Found, Reader, profile_hash
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.replay_result import Result, read_result
from thalweg_app.replay_source import messages_of
from thalweg_app.supervisor import Supervisor
from thalweg_gateway.commit import Committer
from thalweg_gateway.foreign import Effect, ForeignCommitter
from thalweg_gateway.foreign_intake import load_profile, registered
from thalweg_gateway.foreign_parts import ForeignMessage, ForeignSource
from thalweg_gateway.intake import KeyRing
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

_INSTANCE: Final = "replay"
#: records that are committed together
_TOGETHER: Final = 2000
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What the command line says; profile and design are files, or names of shipped ones."""

    file: Path
    profile: str
    design: str
    #: folder of the database that is kept; None: one that lasts as long as the replay
    data: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the store holds after a replay, and what this one did."""

    result: Result
    #: parts of records by what became of them this time
    effects: Counter[Effect]

    def as_json(self) -> dict[str, Any]:
        """One object; `this_run` is the only part that a second replay changes."""
        return {**asdict(self.result), "this_run": {effect.value: self.effects[effect] for effect in Effect}}


def replay(options: ReplayOptions) -> Replayed:
    """Replay a file; raises ThalwegError for whatever keeps it from being read or booked."""
    reader = Reader(load_profile(options.profile))
    document = _design_document(options.design)
    design = load_design(document)
    with _database(options.data) as database:
        now = datetime.now(UTC)
        _register(database, design, document, now)
        run = _Run(database, design, registered(database, design.id, reader, now))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            for portion in _portions(messages_of(options.file, reader, now, progress)):
                run.book(portion)
        return Replayed(result=read_result(database, design, profile_hash(reader.profile)), effects=run.effects)


class _Run:
    """One replay into one ecosystem."""

    def __init__(self, database: Database, design: Design, source: ForeignSource) -> None:
        self.effects: Counter[Effect] = Counter()
        self._registry = Registry(database)
        self._ecosystem = design.id
        self._operator = _operator(design)
        self._source = source
        ring = KeyRing(secrets.token_bytes(_KEY_BYTES), design.id)  # nothing that is replayed here is signed
        self._committer = Committer(database, design.id, ring, _INSTANCE)
        self._foreign = ForeignCommitter(database, self._committer, _INSTANCE)

    def book(self, messages: Sequence[ForeignMessage]) -> None:
        """Register the devices that are new, and book."""
        names = {found.device for message in messages for found in message.reading if isinstance(found, Found)}
        new = sorted(names - self._committer.view().directory.devices.keys())
        if new:
            devices = [NewDevice(name=name, operator=self._operator, roles={}) for name in new]
            self._registry.ensure_devices(self._ecosystem, devices, BEGINNING)
            self._committer.forget_view()
        self.effects += self._foreign.commit(self._source, messages).effects


@contextmanager
def _database(data: Path | None) -> Iterator[Database]:
    """A database in `data`, or in a folder that is removed afterwards."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        with _served(data.absolute()) as database:
            yield database
        return
    with tempfile.TemporaryDirectory(prefix="thalweg-replay-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that PostgreSQL runs under must reach its part
        with _served(folder) as database:
            yield database


@contextmanager
def _served(folder: Path) -> Iterator[Database]:
    server = EmbeddedPostgres(folder / "postgres")
    try:
        with Supervisor() as supervisor:
            supervisor.start(server.prepare())
            database = Database(server.url)
            try:
                database.upgrade()
                yield database
            finally:
                database.close()
    finally:
        server.release()


def _register(database: Database, design: Design, document: str, now: datetime) -> None:
    participants = {node.participant: node.name for node in design.nodes if node.participant is not None}
    registry = Registry(database)
    registry.ensure_ecosystem(design.id, design.name, participants)
    registry.activate_design(design.id, document, content_hash(design), now)


def _operator(design: Design) -> str:
    """Who answers for the devices: the first organisation that is a participant."""
    found = (node.participant for node in design.nodes if node.purpose is not None and node.participant is not None)
    return next(found, design.id)


def _design_document(name: str) -> str:
    """The text of a file, or of the shipped design of that name."""
    path = Path(name)
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if name not in examples.names():
        raise SetupError(f"{name!r} is neither a file nor a shipped design; there are {', '.join(examples.names())}")
    return examples.text(name)


def _portions(messages: Iterator[ForeignMessage]) -> Iterator[list[ForeignMessage]]:
    while portion := list(islice(messages, _TOGETHER)):
        yield portion
