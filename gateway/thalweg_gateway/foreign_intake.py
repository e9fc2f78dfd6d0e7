"""Which messages of a broker are not ours, and which profile reads them: by their topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from thalweg.errors import SetupError, UnreadableRecord
from thalweg.profiles import Profile, Reader, Reading, Refused, load, profile_hash, shipped
from thalweg.profiles.document import Format
from thalweg.profiles.records import payload_of
from thalweg.profiles.topics import TopicPattern
from thalweg.wire.batch import digest
from thalweg.wire.topics import PREFIX, device_topic
from thalweg_gateway.foreign_parts import ForeignMessage, ForeignSource
from thalweg_gateway.source import UPLINK, Message
from thalweg_store.database import Database
from thalweg_store.foreign import register_profile
from thalweg_store.measuring import milliseconds


class ForeignIntake:
    """Reads what comes on the topics of some profiles."""

    def __init__(self, database: Database, ecosystem: str, profiles: Sequence[Profile]) -> None:
        """Raises SetupError for a profile that a gateway cannot use."""
        self._database = database
        self._ecosystem = ecosystem
        self._readers = [(topic_pattern(profile), Reader(profile)) for profile in profiles]
        self._sources: dict[str, ForeignSource] = {}

    @property
    def filters(self) -> list[str]:
        """The topic filters to subscribe to."""
        return list(dict.fromkeys(pattern.filter for pattern, _ in self._readers))

    def split(self, messages: Sequence[Message]) -> tuple[list[Message], list[tuple[Reader, list[Message]]]]:
        """The messages that no profile is for, and those of each profile: the first whose topics they fit."""
        ours: list[Message] = []
        foreign: dict[int, list[Message]] = {}
        for message in messages:
            fitting = (
                place for place, (pattern, _) in enumerate(self._readers) if pattern.match(message.topic) is not None
            )
            place = next(fitting, None)
            (ours if place is None else foreign.setdefault(place, [])).append(message)
        return ours, [(self._readers[place][1], foreign[place]) for place in sorted(foreign)]

    def source(self, reader: Reader) -> ForeignSource:
        """A reader with its number in the store, where it is registered when first needed; raises SetupError."""
        name = reader.profile.id
        if name not in self._sources:
            self._sources[name] = registered(self._database, self._ecosystem, reader, datetime.now(UTC))
        return self._sources[name]


def registered(database: Database, ecosystem: str, reader: Reader, now: datetime) -> ForeignSource:
    """A reader with its number in the store; raises SetupError where the same version said something else before."""
    profile = reader.profile
    document = profile.model_dump_json(exclude_defaults=True)
    version = register_profile(database, ecosystem, profile.id, profile.version, profile_hash(profile), document, now)
    return ForeignSource(reader, version)


def topic_pattern(profile: Profile) -> TopicPattern:
    """The topics of a profile; raises SetupError for one that is for files, or reaches for our devices' own topics."""
    if profile.topic is None or profile.format is Format.CSV:
        raise SetupError(f"profile {profile.id!r} is for files: a gateway needs one with a `topic`")
    pattern = TopicPattern(profile.topic)
    own = [device_topic(PREFIX, PREFIX, channel) for channel in UPLINK]
    if profile.topic.startswith(f"{PREFIX}/") or any(pattern.match(topic) is not None for topic in own):
        raise SetupError(
            f"profile {profile.id!r} reads {profile.topic!r}, where signed batches come: narrow its `topic`"
        )
    return pattern


def load_profiles(names: str) -> list[Profile]:
    """The profiles that a setting names, by comma: shipped ones or files; raises SetupError and InvalidProfile."""
    return [load_profile(name.strip()) for name in names.split(",") if name.strip()]


def load_profile(name: str) -> Profile:
    """The profile in a file, or the shipped one of that name; raises SetupError and InvalidProfile."""
    path = Path(name)
    if path.is_file():
        return load(path.read_text(encoding="utf-8"))
    if name not in shipped.names():
        raise SetupError(f"{name!r} is neither a file nor a shipped profile; there are {', '.join(shipped.names())}")
    return shipped.profile(name)


def read_foreign(message: Message, reader: Reader, *, has_topic: bool = True) -> ForeignMessage:
    """What a profile makes of a message; what is not from a broker has no topic to look at."""
    topic, raw, received_at, _ = message
    reading: Reading
    try:
        reading = reader.read(
            payload_of(raw, reader.profile.format), milliseconds(received_at), topic if has_topic else None
        )
    except UnreadableRecord as error:
        reading = (Refused(error.reason, str(error)),)
    return ForeignMessage(reading, raw, topic, received_at, f"{topic} {received_at.isoformat()} {digest(raw).hex()}")
