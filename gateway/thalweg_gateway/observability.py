"""What a gateway tells about its work: the few moments that the pipeline reports, and to whom.

The pipeline reports to one `Observer` and knows nothing of metrics, health or HTTP. Reports are made on its own thread,
so an observer only counts and returns at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol, Self

from thalweg.errors import StoreUnavailable
from thalweg_gateway.commit import Committed
from thalweg_gateway.foreign import Effect, ForeignCommitted
from thalweg_gateway.source import Message
from thalweg_store.directory import Directory
from thalweg_store.facts import Outcome

BOOKED: Final = Outcome.BOOKED.value
#: what becomes of authentic batches beside the store's outcomes
DUPLICATE: Final = "duplicate"  #: it came again unchanged
UNPARKED: Final = "unparked"  #: it waited for its boot's clock, and is booked now
QUARANTINED: Final = "quarantined"  #: signed with a compromised key: it waits for an operator


#: a rejection's reason, when the database refused the message alone
REFUSED: Final = "refused_by_store"


class BatchCount(NamedTuple):
    """How many batches, and the events in them."""

    batches: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One committed transaction."""

    messages: int
    #: what became of the authentic batches in it: the store's outcome, or one of those above
    outcomes: Mapping[str, BatchCount] = field(default_factory=dict)
    #: reason → messages and events that were not accepted
    rejections: Mapping[str, int] = field(default_factory=dict)
    #: duration of the transaction, from the first look at its messages to the commit; None where it was no usual one
    seconds: float | None
    #: age of its oldest message at the commit, since the gateway received it
    oldest_seconds: float

    @classmethod
    def of(cls, messages: Sequence[Message], committed: Committed, seconds: float) -> Self:
        """What a transaction came to, just now."""
        booking = committed.booking
        outcomes: Counter[str] = Counter()
        events: Counter[str] = Counter()
        fates = [(each.outcome.value, each.batch.count) for each in booking.batches]
        fates += [(DUPLICATE, each.facts.count) for each in committed.duplicates]
        fates += [(UNPARKED, stored.batch.count) for stored, _ in booking.rebooked]
        fates += [(QUARANTINED, 0)] * committed.quarantined
        for outcome, count in fates:
            outcomes[outcome] += 1
            events[outcome] += count
        outcomes[BOOKED] += sum(map(len, booking.columns))
        events[BOOKED] += sum(int(each.received.count.sum()) for each in booking.columns)
        return cls(
            messages=len(messages),
            outcomes={outcome: BatchCount(number, events[outcome]) for outcome, number in outcomes.items() if number},
            rejections=Counter(each.reason for each in booking.rejections),
            seconds=seconds,
            oldest_seconds=_age_seconds(messages),
        )

    @classmethod
    def foreign(cls, messages: Sequence[Message], committed: ForeignCommitted, seconds: float) -> Self:
        """What a transaction of messages that are not ours came to, just now."""
        accepted = {effect: count for effect, count in committed.effects.items() if effect is not Effect.REJECTED}
        return cls(
            messages=len(messages),
            outcomes={effect.value: BatchCount(count, count) for effect, count in accepted.items()},
            rejections=committed.reasons,
            seconds=seconds,
            oldest_seconds=_age_seconds(messages),
        )

    @classmethod
    def refused(cls, messages: Sequence[Message]) -> Self:
        """Messages that were kept as rejections because the store refused them."""
        count = len(messages)
        return cls(messages=count, rejections={REFUSED: count}, seconds=None, oldest_seconds=_age_seconds(messages))


class Observer(Protocol):
    """Who is told what a pipeline does."""

    def took(self, messages: Sequence[Message]) -> None:
        """One turn of the loop; no messages when it waited in vain."""

    def committed(self, commit: Commit) -> None:
        """A transaction is durable."""

    def database_away(self, error: StoreUnavailable) -> None:
        """The source pauses until the database is back; reported at each failed try."""

    def database_answered(self, directory: Directory | None) -> None:
        """The database did what it was asked; `directory` is the picture of the registry that is worked from."""

    def receipts(self, sent: int, owed: int) -> None:
        """`sent` receipts have just left; `owed` devices still wait for theirs."""


class Unobserved:
    """Nobody listens."""

    def took(self, messages: Sequence[Message]) -> None:
        """Do nothing."""

    def committed(self, commit: Commit) -> None:
        """Do nothing."""

    def database_away(self, error: StoreUnavailable) -> None:
        """Do nothing."""

    def database_answered(self, directory: Directory | None) -> None:
        """Do nothing."""

    def receipts(self, sent: int, owed: int) -> None:
        """Do nothing."""


UNOBSERVED: Final[Observer] = Unobserved()


class Several:
    """Tells each of several observers, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def took(self, messages: Sequence[Message]) -> None:
        """Pass it on."""
        for each in self._observers:
            each.took(messages)

    def committed(self, commit: Commit) -> None:
        """Pass it on."""
        for each in self._observers:
            each.committed(commit)

    def database_away(self, error: StoreUnavailable) -> None:
        """Pass it on."""
        for each in self._observers:
            each.database_away(error)

    def database_answered(self, directory: Directory | None) -> None:
        """Pass it on."""
        for each in self._observers:
            each.database_answered(directory)

    def receipts(self, sent: int, owed: int) -> None:
        """Pass it on."""
        for each in self._observers:
            each.receipts(sent, owed)


def _age_seconds(messages: Sequence[Message]) -> float:
    """The age of the oldest of them, now."""
    return (datetime.now(UTC) - min(message.received_at for message in messages)).total_seconds()
