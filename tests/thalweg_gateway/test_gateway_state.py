from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from thalweg_gateway.gateway_state import CONTRADICT_SECONDS, OFF, GatewayState

COUNT = 3
_moves = st.tuples(st.integers(0, COUNT - 1), st.sampled_from(["on", "off", "die", "come", "speak", "listen"]))


class Topic:
    """A retained topic and what each of several gateways has not read of it yet."""

    def __init__(self) -> None:
        self.now = 0.0
        self.retained = OFF
        self.gateways: list[GatewayState | None] = [GatewayState() for _ in range(COUNT)]
        self.wants = [True] * COUNT
        self.unread: list[list[bytes]] = [[] for _ in range(COUNT)]

    def publish(self, payload: bytes) -> None:
        self.retained = payload
        for queue in self.unread:
            queue.append(payload)

    def speak(self, number: int) -> None:
        gateway = self.gateways[number]
        if gateway is not None and (payload := gateway.due(self.now)) is not None:
            self.publish(payload)

    def listen(self, number: int) -> None:
        gateway = self.gateways[number]
        if gateway is not None and self.unread[number]:
            gateway.hear(self.unread[number].pop(0), self.now)

    def move(self, number: int, what: str) -> None:
        self.now += 0.1
        gateway = self.gateways[number]
        if what == "die" and gateway is not None:
            self.gateways[number] = None
            self.publish(OFF)  # its last will
        elif what == "come" and gateway is None:
            self.gateways[number], self.wants[number] = GatewayState(), True
            self.unread[number] = [self.retained]
        elif what in ("on", "off") and gateway is not None:
            self.wants[number] = what == "on"
            gateway.want(is_on=what == "on")
        elif what == "speak":
            self.speak(number)
        elif what == "listen":
            self.listen(number)

    def settle(self) -> None:
        """Let everybody read and say everything."""
        for _ in range(10 * COUNT):
            for number in range(COUNT):
                while self.gateways[number] is not None and self.unread[number]:
                    self.listen(number)
                self.speak(number)
            self.now += CONTRADICT_SECONDS


@given(st.lists(_moves, max_size=60))
def test_in_the_end_devices_hear_on_exactly_when_some_gateway_is_on(moves: list[tuple[int, str]]) -> None:
    topic = Topic()
    for number, what in moves:
        topic.move(number, what)
    topic.settle()
    is_any_on = any(wants for wants, gateway in zip(topic.wants, topic.gateways, strict=True) if gateway is not None)
    assert json.loads(topic.retained)["state"] == ("on" if is_any_on else "off")


def test_it_says_each_thing_once_and_each_on_is_another_instance() -> None:
    state = GatewayState()
    first = state.due(0)
    assert first is not None
    state.hear(first, 0)
    assert state.due(1) is None
    state.want(is_on=False)
    assert state.due(2) == OFF
    assert state.is_told
    state.want(is_on=True)
    second = state.due(3)
    assert second is not None
    assert json.loads(first)["instance"] != json.loads(second)["instance"]
    state.connected()
    third = state.due(4)
    assert third not in (None, second)


def test_it_keeps_silent_when_another_contradicts_first() -> None:
    state = GatewayState()
    state.due(0)
    state.hear(OFF, 1)
    state.hear(b'{"state":"on","instance":"other"}', 1)
    assert state.due(1 + CONTRADICT_SECONDS) is None


def test_what_is_no_state_counts_as_off() -> None:
    for nonsense in (b"", b"[]", b"{", b"\xff", b'{"state":1}'):
        state = GatewayState()
        state.due(0)
        state.hear(nonsense, 1)
        assert state.due(1 + CONTRADICT_SECONDS) is not None
