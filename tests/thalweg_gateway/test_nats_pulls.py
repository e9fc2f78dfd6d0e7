"""Rounds of requests: full speed while much comes, little work for the server while little does, rest in silence."""

from __future__ import annotations

import json

import pytest

from thalweg_gateway.nats_pulls import PULL, Pulls

ROOM = 4 * PULL
#: more than there is room for
MUCH = 100 * PULL


@pytest.fixture
def pulls() -> Pulls:
    return Pulls("$JS.API.CONSUMER.MSG.NEXT.s.c", b"_INBOX.x")


def asked(requests: bytes) -> list[int]:
    """The number of messages of each request."""
    lines = requests.split(b"\r\n")
    return [json.loads(body)["batch"] for body in lines[1::2]]


def test_in_silence_one_request_waits_for_one_message(pulls: Pulls) -> None:
    assert asked(pulls.requests(ROOM, MUCH, 0.0)) == [1]
    assert pulls.is_owed
    assert pulls.requests(ROOM, MUCH, 5.0) == b""


def test_a_message_after_silence_begins_a_round_at_once_for_all_that_there_is_room_for(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.arrived(1)
    assert asked(pulls.requests(ROOM - 1, MUCH, 1.0)) == [PULL] * 3


def test_a_round_asks_for_no_more_than_the_server_holds(pulls: Pulls) -> None:
    pulls.requests(ROOM, 0, 0.0)
    pulls.arrived(1)
    assert asked(pulls.requests(ROOM, PULL, 1.0)) == [PULL] * 2, "some may have come meanwhile"


def test_a_round_waits_for_nothing(pulls: Pulls) -> None:
    pulls.requests(ROOM, 0, 0.0)
    pulls.arrived(1)
    [body] = pulls.requests(ROOM, 0, 1.0).split(b"\r\n")[1::2]
    assert json.loads(body)["no_wait"]


def test_a_full_round_is_followed_at_once(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.arrived(1)
    pulls.requests(ROOM, MUCH, 1.0)
    pulls.arrived(4 * PULL - 1)
    assert pulls.requests(ROOM, MUCH, 1.0) == b"", "one message is owed"
    pulls.arrived(1)
    assert asked(pulls.requests(PULL, MUCH, 1.0)) == [PULL]


def test_a_round_that_brought_little_is_followed_after_a_moment_in_which_messages_gather(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.arrived(1)
    pulls.requests(PULL, MUCH, 1.0)
    pulls.arrived(3)
    pulls.ended(PULL - 3)
    assert pulls.requests(PULL, MUCH, 1.001) == b""
    assert 0 < pulls.seconds_until_due(1.001, 0.25) < 0.02
    assert asked(pulls.requests(PULL, MUCH, 1.02)) == [PULL]


def test_without_room_nothing_is_asked_and_nobody_looks_again_at_once(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.arrived(1)
    assert pulls.requests(PULL - 1, MUCH, 1.0) == b""
    assert 0 < pulls.seconds_until_due(1.0, 0.25) < 0.25
    assert asked(pulls.requests(PULL, MUCH, 1.001)) == [PULL], "room was made"


def test_a_round_that_brought_nothing_is_followed_by_waiting(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.arrived(1)
    pulls.requests(PULL, MUCH, 1.0)
    pulls.ended(PULL)
    assert asked(pulls.requests(PULL, MUCH, 1.02)) == [1]


def test_without_room_nothing_is_asked_for(pulls: Pulls) -> None:
    assert pulls.requests(PULL - 1, MUCH, 0.0) == b""


def test_a_server_that_refuses_is_left_alone_for_as_long_as_said(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.ended(None)
    pulls.hold_off_until(2.0)
    assert pulls.requests(ROOM, MUCH, 1.9) == b""
    assert asked(pulls.requests(ROOM, MUCH, 2.0)) == [1]


def test_a_new_connection_begins_anew(pulls: Pulls) -> None:
    pulls.requests(ROOM, MUCH, 0.0)
    pulls.forget()
    assert not pulls.is_owed
    assert asked(pulls.requests(ROOM, MUCH, 0.1)) == [1]
