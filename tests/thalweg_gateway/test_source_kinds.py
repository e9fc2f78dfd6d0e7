"""What every source promises, on the servers that it is meant for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from worlds.brokers import wait_for
from worlds.sources import EVENTS, RECEIPTS, Device, Scene, cut, scene, take

pytestmark = pytest.mark.slow


@pytest.fixture(
    params=["nats on nats", pytest.param("mqtt on mosquitto", marks=pytest.mark.mosquitto)],
)
def place(request: pytest.FixtureRequest) -> Iterator[Scene]:
    kind, _, broker = request.param.split()
    with scene(kind, broker) as opened:
        yield opened


def test_what_was_not_committed_comes_again_and_what_was_does_not(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)
    device.send(b"one", b"two", b"three")
    messages = take(source, 3)
    assert [(message.topic, message.payload) for message in messages] == [
        (EVENTS, b"one"),
        (EVENTS, b"two"),
        (EVENTS, b"three"),
    ]
    source.commit(messages[:1])
    source.take(1, 0.2)  # lets the acknowledgement leave
    source.close()
    again = place.open()
    messages = take(again, 2)
    assert {message.payload for message in messages} == {b"two", b"three"}
    again.commit(messages)
    assert again.take(10, 0.5) == []
    again.close()
    device.stop()


def test_messages_sent_while_the_gateway_is_away_wait_for_it(place: Scene) -> None:
    place.open().close()
    device = Device(place.broker)
    device.send(b"meanwhile")
    device.stop()
    source = place.open()
    assert [message.payload for message in take(source, 1)] == [b"meanwhile"]
    source.close()


def test_a_token_of_a_lost_connection_acknowledges_nothing_on_the_next(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)
    device.send(b"one")
    old = take(source, 1)
    cut(source)
    source.commit(old)
    source.close()
    again = place.open()
    assert [message.payload for message in take(again, 1)] == [b"one"], "it was never committed on its connection"
    again.close()
    device.stop()


def test_what_other_threads_publish_arrives_whole_and_in_order_while_messages_are_waited_for(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)
    device.hear_receipts()
    large = [b"%d." % number + bytes(20_000) for number in range(100)]
    taker = threading.Thread(target=lambda: wait_for(lambda: bool(source.take(1, 30)), "a message"))
    taker.start()
    for payload in large:
        source.publish([(RECEIPTS, payload)])
    wait_for(lambda: len(device.receipts) == len(large), "every message")
    assert device.receipts == large
    assert taker.is_alive(), "nobody had to take anything for it"
    device.send(b"last")
    taker.join()
    source.close()
    device.stop()


def test_devices_are_told_when_the_gateway_takes_events_and_when_not(place: Scene) -> None:
    source = place.open()
    device = Device(place.broker)

    def hears(state: str) -> None:
        wait_for(lambda: source.take(0, 0.05) == [] and device.last_state == state, state)

    hears("on")
    first = device.states[-1]["instance"]
    source.pause()
    hears("off")
    source.resume()
    hears("on")
    assert device.states[-1]["instance"] != first, "a new instance asks devices to send again"
    source.close()
    wait_for(lambda: device.last_state == "off", "closed")
    device.stop()


def test_devices_hear_off_only_when_the_last_of_several_gateways_has_gone(place: Scene) -> None:
    sources = [place.open(f"gateway-{number}") for number in (1, 2, 3)]
    device = Device(place.broker)
    for source in sources[:2]:
        heard = len(device.states)
        source.close()
        sources.remove(source)
        wait_for(lambda: {"state": "off"} in device.states[heard:], "the one that goes says off")  # noqa: B023
        wait_for(
            lambda: not any(each.take(0, 0.05) for each in sources) and device.last_state == "on", "another contradicts"
        )
    sources[0].close()
    wait_for(lambda: device.last_state == "off", "the last one says off")
    later = Device(place.broker)
    wait_for(lambda: later.last_state == "off", "and off is what the broker keeps")
    device.stop()
    later.stop()
