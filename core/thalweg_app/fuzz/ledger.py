"""What was sent against what the store says became of it.

New batches, duplicates, rejections and what is in quarantine are counted in the store. It keeps no count of births and
last wills, nor of how often a message came that is in quarantine: for these, each message is judged here, by the
format's own rules and the keys of the senders.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from thalweg.errors import WireError
from thalweg.wire.messages import read_state
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel
from thalweg_app.fuzz.messages import Sent
from thalweg_app.fuzz.senders import REVOKED, STOLEN, UNREGISTERED, Sender

#: reasons that are kept of events, or of batches that are stored and counted as such: not of a message
_WITHIN_BATCHES: Final = ("conflict", "undecodable", "clock_ahead", "clock_behind", "bad_name", "unmeasurable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where all messages went, and all events."""

    #: outcome → batches
    new: Mapping[str, int]
    duplicates: int
    #: births and last wills
    states: int
    quarantined: int
    #: messages that came again while they were in quarantine
    quarantined_again: int
    #: reason → messages
    rejected: Mapping[str, int]
    #: reason → events, and batches that are stored without being booked
    refused_within: Mapping[str, int]
    events_received: int
    events_tallied: int

    @property
    def messages(self) -> int:
        """All that is accounted for."""
        held = self.quarantined + self.quarantined_again
        return sum(self.new.values()) + self.duplicates + self.states + held + sum(self.rejected.values())


@dataclass(slots=True)
class Ledger:
    """What was sent, as far as the store does not count it."""

    senders: Sequence[Sender]
    states: int = 0
    #: digest of (topic, payload) → how often it was sent in the name of a device whose key was stolen
    stolen: Counter[bytes] = field(default_factory=Counter)
    _state_topics: dict[str, Sender] = field(init=False)
    _stolen_topics: set[str] = field(init=False)

    def __post_init__(self) -> None:
        heard = [each for each in self.senders if each.name not in (REVOKED, UNREGISTERED, *STOLEN)]
        self._state_topics = {each.topic(Channel.STATE): each for each in heard}
        stolen = [each for each in self.senders if each.name in STOLEN]
        self._stolen_topics = {each.topic(channel) for each in stolen for channel in Channel}

    def saw(self, sent: Sent) -> None:
        """Note a message."""
        if sent.topic in self._stolen_topics:
            self.stolen[_digest(sent.topic, sent.payload)] += 1
        sender = self._state_topics.get(sent.topic)
        if sender is not None and _is_state(sent.payload, sender):
            self.states += 1

    def account(self, dsn: str) -> Account:
        """Everything, from the store behind `dsn`."""
        with psycopg.connect(dsn, autocommit=True) as connection:

            def numbers(statement: str) -> dict[str, int]:
                return {name: int(number) for name, number in connection.execute(statement.encode())}

            rejected = numbers("select reason, sum(count + replayed) from rejection group by reason")
            [received, duplicates] = connection.execute(
                "select coalesce(sum(received), 0), coalesce(sum(duplicates), 0) from boot"
            ).fetchone() or (0, 0)
            [tallied] = connection.execute("select coalesce(sum(events), 0) from tally").fetchone() or (0,)
            held = connection.execute("select topic, payload from quarantine").fetchall()
            return Account(
                new=numbers("select outcome, count(*) from batch group by outcome"),
                duplicates=int(duplicates),
                states=self.states,
                quarantined=len(held),
                quarantined_again=sum(self.stolen[_digest(topic, bytes(payload))] - 1 for topic, payload in held),
                rejected={reason: count for reason, count in rejected.items() if reason not in _WITHIN_BATCHES},
                refused_within={reason: count for reason, count in rejected.items() if reason in _WITHIN_BATCHES},
                events_received=int(received),
                events_tallied=int(tallied),
            )


def _is_state(payload: bytes, sender: Sender) -> bool:
    for key in reversed(sender.uplink_keys):
        try:
            read_state(open_sealed(Channel.STATE, payload, key))
        except WireError:
            continue
        return True
    return False


def _digest(topic: str, payload: bytes) -> bytes:
    return hashlib.sha256(topic.encode() + b"\0" + payload).digest()[:16]
