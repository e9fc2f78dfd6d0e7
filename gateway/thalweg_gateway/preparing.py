"""What can be made of messages before the store is asked: read, verified, measured and summed. Pure.

It is done outside the transaction, which so holds its locks only while the database works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thalweg_gateway.booking_columns import BookedTogether, book_together
from thalweg_gateway.intake import Arrival, Batch, KeyRing, State, read
from thalweg_gateway.intake_columns import Senders, UsualBatches, read_together
from thalweg_gateway.receipts import Speaker
from thalweg_gateway.source import Message
from thalweg_store.batch_columns import Runs
from thalweg_store.directory import Directory
from thalweg_store.facts import BootKey
from thalweg_store.ingest import Standing
from thalweg_store.measuring import MeterPlan


@dataclass(frozen=True, slots=True)
class View:
    """The directory that messages are read against, and the meters of its design."""

    directory: Directory
    meters: MeterPlan
    senders: Senders

    @property
    def standing(self) -> Standing:
        """What the store must still say for this view to be used."""
        return Standing(self.directory.version, self.directory.store_epoch)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Messages that were taken together."""

    view: View
    usual: UsualBatches
    runs: Runs
    #: what the usual ones come to, all of them being new
    together: Sequence[BookedTogether]
    #: everything else
    others: Sequence[Arrival]

    @property
    def batches(self) -> list[Batch]:
        """The authentic batches among the others."""
        return [each for each in self.others if isinstance(each, Batch)]

    @property
    def states(self) -> list[State]:
        """The authentic births and last wills."""
        return [each for each in self.others if isinstance(each, State)]

    def speakers(self, more: Sequence[Batch]) -> dict[BootKey, Speaker]:
        """Every boot that was heard from, here and in `more`, with who spoke for it last."""
        devices, key_versions = self.usual.devices, self.usual.key_versions
        rows = self.runs.last_rows()
        last = [Speaker(devices[row].name, key_versions[row]) for row in rows]
        speakers = dict(zip(self.runs.boots, last, strict=True))
        for batch in (*self.batches, *more):
            speakers[batch.facts.key] = Speaker(batch.device.name, batch.header.key_version)
        for state in self.states:
            speakers[state.facts.key] = Speaker(state.device.name, state.facts.key_version, is_born=True)
        return speakers


def prepare(messages: Sequence[Message], view: View, ring: KeyRing, *, are_released: bool = False) -> Prepared:
    """What `messages` are under `view`; released ones are accepted whatever became of the key that signed them."""
    usual, left = read_together(messages if not are_released else (), view.senders)
    return Prepared(
        view,
        usual,
        Runs.of(usual.received),
        book_together(usual.received, usual.devices, view.meters),
        [read(each, view.directory, ring, is_released=are_released) for each in (messages if are_released else left)],
    )
