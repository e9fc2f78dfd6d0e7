"""Received ranges against the plainest model there is: a set of seqs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg.intervals import Intervals
from thalweg_store import ranges as module
from thalweg_store.closing import Closures
from thalweg_store.database import Database
from thalweg_store.facts import BookedBatch, BootKey, HeardState, Outcome, ReceivedBatch
from thalweg_store.flows import FlowNumbers
from thalweg_store.ingest import ingest
from thalweg_store.reading import reading
from thalweg_store.registry import BEGINNING, NewDevice, Registry

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOOT = 7


@pytest.fixture
def device(database: Database) -> int:
    registry = Registry(database)
    registry.ensure_ecosystem("eco", "Eco", {})
    registry.ensure_devices("eco", [NewDevice(name="cp-1", operator="op", roles={})], BEGINNING)
    return registry.directory("eco").devices["cp-1"].id


def batch(device: int, first: int, count: int, boot: int = BOOT) -> ReceivedBatch:
    payload = f"{first}/{count}".encode()
    digest = hashlib.sha256(payload).digest()[:16]
    return ReceivedBatch(
        key=BootKey(device, boot), first_seq=first, count=count, digest=digest, payload=payload, received_at=NOW
    )


def birth(device: int, boot: int = BOOT, *, is_on: bool = True, next_seq: int = 0, **more: object) -> HeardState:
    return HeardState(
        key=BootKey(device, boot), is_on=is_on, next_seq=next_seq, previous=more.pop("previous", None),
        lost=more.pop("lost", ()), key_version=1, details={}, heard_at=NOW,
    )  # fmt: skip


def commit(database: Database, batches: list[ReceivedBatch], states: Sequence[HeardState] = ()) -> Intervals:
    """What the receipt of a transaction would name of the boot."""
    with ingest(database, "gateway-1", FlowNumbers()) as transaction:
        transaction.lock([each.key for each in batches], states)
        admissions = transaction.admit(batches)
        new = [each for each, admission in zip(batches, admissions, strict=True) if admission.is_new]
        transaction.book(
            batches=[BookedBatch(batch=each, outcome=Outcome.BOOKED) for each in new],
            states=states, rollups={}, panes={}, tallies={}, closures=Closures(), now=NOW,
        )  # fmt: skip
        key = batches[0].key if batches else states[0].key
        return transaction.boot(key).committed()


def stored(database: Database) -> tuple[set[int], set[int]]:
    """Seqs received and seqs lost of the boot, and the counts beside them."""
    with database.transaction() as connection:
        row = connection.exec_driver_sql("select next_seq, received, lost from boot").one()
        seqs = set(range(row.next_seq))
        for block, ranges in connection.exec_driver_sql("select block, ranges from received"):
            assert len(ranges) > 0
            for part in ranges:
                assert part.lower // module.BLOCK_SEQS == (part.upper - 1) // module.BLOCK_SEQS == block
                assert part.lower > row.next_seq, "what is below the first gap is in no set"
                seqs |= set(range(part.lower, part.upper))
        lost: set[int] = set()
        for (ranges,) in connection.exec_driver_sql("select ranges from lost"):
            for part in ranges:
                lost |= set(range(part.lower, part.upper))
        assert (row.received, row.lost) == (len(seqs), len(lost))
        return seqs, lost


#: places on a grid of three seqs, so that no two batches overlap in part; blocks are made of eight seqs
STEPS = st.lists(
    st.one_of(
        st.lists(st.integers(0, 25), min_size=1, max_size=5).map(lambda places: ("send", places)),
        st.tuples(st.integers(0, 70), st.integers(1, 40)).map(lambda pair: ("lose", pair)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_store_holds_what_was_received_and_what_was_lost_and_nothing_else(
    database: Database, device: int, steps: list[tuple[str, list[int] | tuple[int, int]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_SEQS", 8)
        with database.transaction() as connection:
            connection.exec_driver_sql("truncate batch, boot, received, lost")
        received: set[int] = set()
        lost: set[int] = set()
        for name, arguments in steps:
            if name == "send":
                batches = [batch(device, 3 * place, 3) for place in arguments]
                seqs = {seq for each in batches for seq in range(each.first_seq, each.end_seq)}
                received |= seqs
                lost -= seqs
                told = commit(database, batches)
                named = {seq for first, end in told for seq in range(first, end)}
                assert seqs <= named <= received, "a receipt names what was sent, and nothing that was not received"
                assert told.next_missing == next(seq for seq in range(200) if seq not in received)
            else:
                first, length = arguments
                lost |= set(range(first, first + length)) - received
                commit(database, [], [birth(device, lost=((BOOT, first, first + length),))])
            assert stored(database) == (received, lost)


def test_a_set_with_many_gaps_is_kept_in_rows_of_bounded_size(database: Database, device: int) -> None:
    for first in range(1, 6000, 400):
        commit(database, [batch(device, seq, 1) for seq in range(first, min(first + 400, 6000), 2)])
    with database.transaction() as connection:
        blocks = connection.exec_driver_sql("select block, ranges from received order by block").all()
    assert [block for block, _ in blocks] == [0, 1, 2]
    assert max(len(ranges) for _, ranges in blocks) <= module.BLOCK_SEQS / 2
    commit(database, [batch(device, seq, 1) for seq in range(0, 6000, 2)])
    assert stored(database) == (set(range(6000)), set())
    with database.transaction() as connection:
        assert connection.exec_driver_sql("select count(*) from received").scalar_one() == 0


def test_completeness_tells_what_was_given_up_from_what_is_missing(database: Database, device: int) -> None:
    commit(database, [batch(device, 0, 4), batch(device, 10, 4)], [birth(device, lost=((BOOT, 4, 7),))])
    with reading(database, "eco") as facts:
        completeness = facts.completeness()
        assert (completeness.numbered, completeness.received, completeness.lost) == (14, 8, 3)
        assert completeness.gaps == 3
    commit(database, [batch(device, 4, 2)])
    with reading(database, "eco") as facts:
        assert (facts.completeness().lost, facts.completeness().gaps) == (1, 3), "late but welcome"


def test_a_boot_that_ended_without_a_last_word_is_reported_with_what_it_sealed(database: Database, device: int) -> None:
    commit(database, [batch(device, 0, 4, boot=1)], [birth(device, 1)])
    commit(database, [], [birth(device, 1, is_on=False, next_seq=4)])
    commit(database, [batch(device, 0, 4, boot=2)], [birth(device, 2, previous=(1, 4))])
    with reading(database, "eco") as facts:
        assert facts.boots() == [], "the first said so, the second is running"
    commit(database, [], [birth(device, 3, previous=(2, 6))])
    with reading(database, "eco") as facts:
        (found,) = facts.boots()
    assert (found.device, found.boot, found.is_unclean, found.sealed) == ("cp-1", 2, True, 6)
    assert (found.numbered, found.received, found.gaps) == (6, 4, 2)
