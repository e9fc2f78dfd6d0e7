"""The ingest transaction under any order of sending and sending again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg.errors import StoreUnavailable
from thalweg.intervals import Intervals
from thalweg_store.closing import Closures
from thalweg_store.database import Database
from thalweg_store.facts import BookedBatch, BootKey, Outcome, ReceivedBatch
from thalweg_store.flows import FlowNumbers
from thalweg_store.ingest import ingest
from thalweg_store.reading import watermark
from thalweg_store.registry import BEGINNING, NewDevice, Registry

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def device(database: Database) -> int:
    registry = Registry(database)
    registry.ensure_ecosystem("eco", "Eco", {})
    registry.ensure_devices("eco", [NewDevice(name="cp-1", operator="op", roles={})], BEGINNING)
    return registry.directory("eco").devices["cp-1"].id


def batch(device: int, boot: int, first: int, count: int, content: str = "") -> ReceivedBatch:
    payload = f"{boot}/{first}/{count}/{content}".encode()
    return ReceivedBatch(
        key=BootKey(device, boot),
        first_seq=first,
        count=count,
        digest=hashlib.sha256(payload).digest()[:16],
        payload=payload,
        received_at=NOW,
    )


def send(database: Database, *batches: ReceivedBatch) -> list[tuple[bool, bool, int]]:
    with ingest(database, "gateway-1", FlowNumbers()) as transaction:
        transaction.lock(each.key for each in batches)
        admissions = transaction.admit(batches)
        booked = [
            BookedBatch(batch=each, outcome=Outcome.CONFLICT if admission.is_conflict else Outcome.BOOKED)
            for each, admission in zip(batches, admissions, strict=True)
            if admission.is_new
        ]
        transaction.book(batches=booked, rollups={}, panes={}, tallies={}, closures=Closures(), now=NOW)
    return [(each.is_new, each.is_conflict, each.added_count) for each in admissions]


def stored_ranges(database: Database) -> dict[int, list[tuple[int, int]]]:
    with database.transaction() as connection:
        found = {
            boot: Intervals([(0, next_seq)] if next_seq else [])
            for boot, next_seq in connection.exec_driver_sql("select boot, next_seq from boot")
        }
        for boot, ranges in connection.exec_driver_sql("select boot, ranges from received"):
            for part in ranges:
                found[boot].add(part.lower, part.upper)
        return {boot: list(ranges) for boot, ranges in found.items()}


SENDINGS = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11)), min_size=1, max_size=6), min_size=1, max_size=6
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SENDINGS)
def test_however_often_and_in_whatever_order_batches_come_each_counts_once(
    database: Database, device: int, sendings: list[list[tuple[int, int]]]
) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("truncate batch, boot, received")
    new: list[tuple[int, int]] = []
    for sending in sendings:
        places = [(boot, 3 * number) for boot, number in sending]
        admissions = send(database, *(batch(device, boot, first, 3) for boot, first in places))
        new += [place for place, (is_new, _, _) in zip(places, admissions, strict=True) if is_new]
        assert not any(is_conflict for _, is_conflict, _ in admissions)
    sent = {(boot, 3 * number) for sending in sendings for boot, number in sending}
    assert sorted(new) == sorted(sent), "each batch is new exactly once"
    for boot in {boot for boot, _ in sent}:
        expected = Intervals((first, first + 3) for each, first in sent if each == boot)
        assert stored_ranges(database)[boot] == list(expected)


def test_seqs_that_another_batch_holds_are_a_conflict_and_only_the_rest_is_added(
    database: Database, device: int
) -> None:
    send(database, batch(device, 1, 0, 4))
    assert send(database, batch(device, 1, 2, 4)) == [(True, True, 2)]
    assert send(database, batch(device, 1, 2, 4)) == [(False, False, 0)], "the conflict itself is kept once"
    assert send(database, batch(device, 1, 0, 4, "other bytes")) == [(True, True, 0)]
    assert stored_ranges(database) == {1: [(0, 6)]}


def test_what_fails_leaves_no_trace(database: Database, device: int) -> None:
    before = watermark(database)

    def broken() -> None:
        with ingest(database, "gateway-1", FlowNumbers()) as transaction:
            transaction.lock([BootKey(device, 1)])
            transaction.admit([batch(device, 1, 0, 4)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert stored_ranges(database) == {}
    assert watermark(database) == before


@pytest.mark.overlapping_transactions
def test_a_server_that_ends_the_connection_is_a_reason_to_try_again(database: Database, device: int) -> None:
    def interrupted() -> None:
        with ingest(database, "gateway-1", FlowNumbers()) as transaction:
            transaction.lock([BootKey(device, 1)])
            with database.transaction() as other:
                other.exec_driver_sql(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )
            transaction.admit([batch(device, 1, 0, 4)])
            transaction.book(batches=(), rollups={}, panes={}, tallies={}, closures=Closures(), now=NOW)

    with pytest.raises(StoreUnavailable):
        interrupted()
    assert send(database, batch(device, 1, 0, 4)) == [(True, False, 4)]
