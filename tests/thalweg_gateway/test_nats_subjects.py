"""MQTT topics as a NATS server names them; what it really does with them is in `test_foreign_pipeline.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg_gateway.nats_reader import Note
from thalweg_gateway.nats_subjects import subject_of, subjects_of, topic_of
from thalweg_gateway.nats_unkept import Unkept


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("tele/x/SENSOR", "tele.x.SENSOR"),
        ("spBv1.0/g/NDATA/e", "spBv1//0.g.NDATA.e"),
        ("/lead/x", "/.lead.x"),
        ("a//b", "a./.b"),
        ("trail/", "trail./"),
        (".dot", "//dot"),
    ],
)
def test_topics_are_translated_as_server_2_15_does(topic: str, subject: str) -> None:
    assert subject_of(topic) == subject
    assert topic_of(subject) == topic


@given(st.lists(st.text("ab.-", max_size=4), min_size=1, max_size=5).map("/".join))
def test_a_topic_comes_back_from_its_subject(topic: str) -> None:
    assert topic_of(subject_of(topic)) == topic


def test_a_filter_of_all_that_follows_matches_what_it_follows_too() -> None:
    assert subjects_of("a/+/c") == ["a.*.c"]
    assert subjects_of("a/#") == ["a.>", "a"]


def heard(unkept: Unkept, number: bytes, subject: bytes, mark: bytes = b"0", waiting: int = 0) -> str | None:
    note = Note(number, b"NATS/1.0\r\nNmqtt-Pub:%b\r\n\r\n" % mark, b"", subject)
    assert unkept.is_heard(note)
    return unkept.topic(note, waiting)


def test_a_message_that_several_filters_match_is_taken_once_and_one_that_the_stream_keeps_not_at_all() -> None:
    unkept = Unkept(["tele/+/SENSOR", "tele/#"], most=2)
    assert unkept.subscriptions == (
        b"SUB tele.*.SENSOR gateway unkept0\r\nSUB tele.> gateway unkept1\r\nSUB tele gateway unkept2\r\n"
    )
    assert heard(unkept, b"unkept0", b"tele.a.SENSOR") == "tele/a/SENSOR"
    assert heard(unkept, b"unkept1", b"tele.a.SENSOR") is None
    assert heard(unkept, b"unkept1", b"tele.a.STATE") == "tele/a/STATE"
    assert heard(unkept, b"unkept2", b"tele") == "tele"
    assert heard(unkept, b"unkept0", b"tele.a.SENSOR", b"1") is None
    assert not unkept.is_heard(Note(b"2", b""))


def test_what_is_heard_while_too_many_wait_is_lost_and_told(caplog: pytest.LogCaptureFixture) -> None:
    unkept = Unkept(["tele/+/SENSOR"], most=2)
    assert [heard(unkept, b"unkept0", b"tele.a.SENSOR", waiting=2) for _ in range(3)] == [None] * 3
    assert heard(unkept, b"unkept0", b"tele.a.SENSOR", waiting=1) == "tele/a/SENSOR"
    assert [record.getMessage().split(" ")[0] for record in caplog.records] == ["the", "3"]
