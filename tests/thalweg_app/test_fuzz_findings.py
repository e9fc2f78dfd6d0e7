"""What damaged messages once did to the gateway, each pinned."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from thalweg.errors import MalformedMessage, StoreError, StoreUnavailable
from thalweg.mapping import Plan
from thalweg.wire import forms
from thalweg.wire.batch import BatchWriter, digest
from thalweg.wire.json_object import MAX_DEPTH, read_object
from thalweg.wire.text import sign
from thalweg.wire.topics import Channel, device_topic
from thalweg_gateway.booking_columns import book_together
from thalweg_store.assignments import BEGINNING, Assignment, Assignments
from thalweg_store.batch_columns import ReceivedColumns
from thalweg_store.database import Database, translated
from thalweg_store.directory import Device
from thalweg_store.facts import BootKey, ReceivedBatch
from thalweg_store.measuring import MeterPlan
from worlds.gateway import DEVICE, World, charge, make_world

REJECTED = "select ecosystem, principal, reason, count from rejection order by reason"


@pytest.fixture
def world(database: Database) -> World:
    return make_world(database)


@pytest.mark.parametrize(
    "value",
    [r'"a\u0000b"', r'{"\u0000":1}', r'"\ud800"', r'["\udc00\ud800"]', "NaN", "-Infinity", "1e400", "[[1e999]]"],
)
def test_a_text_with_what_no_database_keeps_is_malformed(value: str):
    with pytest.raises(MalformedMessage):
        read_object(b'{"state":"on","more":%b}' % value.encode())


@pytest.mark.parametrize("value", [r'"\\u0000"', r'"\ud83d\ude00"', '"[[[[{{{{"', "1e-400", '"é"', "9" * 300])
def test_a_text_that_only_looks_like_it_is_read(value: str):
    assert "more" in read_object(b'{"state":"on","more":%b}' % value.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "cp1252"])
def test_a_text_in_another_encoding_is_malformed(encoding: str):
    with pytest.raises(MalformedMessage):
        read_object('{"state":"é"}'.encode(encoding))


def test_how_deep_a_text_may_be_does_not_depend_on_the_caller():
    text = b'{"more":%b}'
    deep = text % (b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1))
    too_deep = text % (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    as_deep_as_it_gets = text % (b"[" * 8000 + b"]" * 8000)

    def called(levels: int, act: Callable[[], object]) -> object:
        return called(levels - 1, act) if levels else act()

    for levels in (0, sys.getrecursionlimit() - 150):
        assert called(levels, lambda: read_object(deep))
        for each in (too_deep, as_deep_as_it_gets):
            with pytest.raises(MalformedMessage):
                called(levels, lambda each=each: read_object(each))


def test_a_batch_that_claims_more_events_than_it_has_bytes_for_is_not_worked_on_alone():
    writer = BatchWriter(bytes(32), 1)
    writer.add(charge())
    batch = writer.seal()
    claims_many = batch[:10] + b"\xff\xff" + batch[12:]
    assert forms.read_header(claims_many).count == 0xFFFF
    facts = ReceivedBatch(BootKey(1, 7), 0, 0xFFFF, digest(claims_many), claims_many, datetime.now(UTC))
    device = Device(1, "d", 1, True, Assignments((Assignment(1, BEGINNING, {}),)))
    portions = book_together(ReceivedColumns.of([facts] * 1000), [device] * 1000, MeterPlan(Plan(()), {}, 1))
    assert [portion.unusual for portion in portions] == [[*range(1000)]], "all in one portion"


@pytest.mark.slow
def test_a_topic_that_is_no_text_is_kept_as_a_rejection(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.ERROR, "thalweg_gateway")  # pytest's workers cannot pass on what such a line holds
    for topic in ("\ud800", "tw1/\udfff/cp-01/e", "\x00"):
        world.source.put(topic, b"\x01")
    world.pipeline.step()
    assert world.rows(REJECTED) == [("", "", "malformed", 3)]
    assert len(world.source.committed) == 3


@pytest.mark.slow
def test_another_ecosystem_s_device_of_the_same_name_is_not_taken_for_ours(world: World):
    payload = world.batch(charge())
    world.source.put(device_topic("elsewhere", DEVICE, Channel.EVENTS), payload)
    world.pipeline.step()
    assert world.rows(REJECTED) == [("elsewhere", DEVICE, "unknown_ecosystem", 1)]
    assert world.rows("select count(*) from batch") == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize("value", [r'"\u0000"', r'"\ud800"', "NaN", "1e400", "[" * 950 + "]" * 950, "[" * 9000])
def test_a_birth_that_no_database_keeps_is_malformed_and_stops_nobody_behind_it(world: World, value: str):
    text = json.dumps({"state": "on", "boot": 7, "next": 0}).encode()[:-1] + b',"fw":%b}' % value.encode()
    world.source.put(world.state_topic, sign(Channel.STATE, text, world.keys.uplink))
    world.send(world.batch(charge()))
    world.pipeline.step()
    assert [row[2:] for row in world.rows(REJECTED)] == [("malformed", 1)]
    assert world.rows("select outcome from batch") == [("booked",)]


@pytest.mark.slow
def test_what_is_too_large_for_an_index_is_refused_and_not_tried_for_ever(database: Database):
    def insert() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("create temp table long (word text primary key)")
            connection.exec_driver_sql(
                "insert into long select string_agg(md5(n::text), '') from generate_series(1, 400) n"
            )

    with pytest.raises(StoreError) as caught:
        insert()
    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.slow
def test_a_connection_that_breaks_under_the_bare_driver_is_a_reason_to_try_again(database: Database):
    def interrupted() -> None:
        with database.transaction() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            with translated(), driver.cursor() as cursor:
                cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreUnavailable):
        interrupted()
