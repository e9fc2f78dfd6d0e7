"""Boots of which everything comes in order are admitted at a glance, with the same result as batch by batch."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from thalweg.intervals import Intervals
from thalweg_store.admission import admit_in_order
from thalweg_store.batch_columns import ReceivedColumns, Runs
from thalweg_store.boots import Boot
from thalweg_store.facts import BootKey, ReceivedBatch
from thalweg_store.ranges import ReceivedRanges

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = [BootKey(1, 7), BootKey(1, 2**32 - 1), BootKey(2, 7)]


@st.composite
def boots(draw: st.DrawFn, key: BootKey) -> Boot:
    next_seq = draw(st.sampled_from([0, 0, 3, 6]))
    beyond = Intervals(((9, 11),) if draw(st.integers(0, 4)) == 0 else ())
    received = next_seq + len(beyond)
    numbered = received + draw(st.integers(0, 20))
    is_whole = received == next_seq
    return Boot(key, next_seq, received, 0, numbered, None, False, None, None, beyond=beyond, is_whole=is_whole)


@st.composite
def arrivals(draw: st.DrawFn) -> list[ReceivedBatch]:
    ends = {key: draw(st.sampled_from([0, 0, 3, 6])) for key in KEYS}
    batches = []
    for number in range(draw(st.integers(0, 8))):
        key = draw(st.sampled_from(KEYS))
        first = draw(st.sampled_from([ends[key]] * 5 + [0, 2, 12]))
        count = draw(st.integers(1, 4))
        ends[key] = first + count
        batches.append(ReceivedBatch(key, first, count, bytes([number]) * 16, b"", NOW))
    return batches


def ranges_of(boots_there: list[Boot]) -> ReceivedRanges:
    ranges = ReceivedRanges.__new__(ReceivedRanges)
    ranges._boots = {boot.key: deepcopy(boot) for boot in boots_there}
    return ranges


@given(there=st.tuples(*map(boots, KEYS)), batches=arrivals(), others=st.sets(st.sampled_from(KEYS), max_size=1))
def test_at_a_glance_and_batch_by_batch_come_to_the_same(there, batches, others):
    columns = ReceivedColumns.of(batches)
    assert [columns.batch(row) for row in range(len(columns))] == batches
    glanced, looked = ranges_of(there), ranges_of(there)
    is_new = admit_in_order(glanced, columns, Runs.of(columns), others).tolist()
    for batch, is_admitted in zip(batches, is_new, strict=True):
        if is_admitted:
            assert batch.key not in others
            assert not looked.are_taken(batch)
            assert looked.take(batch) == ((batch.first_seq, batch.end_seq),)
    assert glanced._boots == looked._boots
    fates = {(batch.key, is_admitted) for batch, is_admitted in zip(batches, is_new, strict=True)}
    assert len(fates) == len({key for key, _ in fates}), "all of a boot, or nothing"


@given(there=st.tuples(*map(boots, KEYS)), count=st.integers(1, 5))
def test_what_follows_what_is_there_is_admitted(there, count):
    batches = [
        ReceivedBatch(boot.key, boot.next_seq + 2 * number, 2, bytes(16), b"", NOW)
        for number in range(count)
        for boot in there
        if boot.is_whole and not boot.beyond
    ]
    columns = ReceivedColumns.of(batches)
    assert admit_in_order(ranges_of(there), columns, Runs.of(columns), set()).all()
