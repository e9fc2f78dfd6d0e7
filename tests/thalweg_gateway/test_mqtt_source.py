from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from thalweg.errors import SetupError
from thalweg_gateway import mqtt_source
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.mqtt_source import MqttSource
from worlds.brokers import nats, wait_for
from worlds.sources import DEVICE, ECOSYSTEM, RECEIPTS, Device, scene, take

pytestmark = pytest.mark.slow


def test_a_refused_subscription_says_which_topics_the_user_must_be_allowed() -> None:
    with tempfile.TemporaryDirectory(prefix="thalweg-") as name, nats(Path(name), ECOSYSTEM, [DEVICE]) as broker:
        source = MqttSource(MqttAddress.parse(broker.url(DEVICE)), ECOSYSTEM, DEVICE)
        with pytest.raises(SetupError, match=r"refused the subscription to tw1/ev-test/\+/e"):
            wait_for(lambda: bool(source.take(1, 0.1)), "a refusal")


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1() -> None:
    with scene("mqtt", "nats") as place:
        source = place.open()
        device = Device(place.broker)
        device.send(b"one")
        assert [message.payload for message in take(source, 1)] == [b"one"]
        source.close()
        device.stop()


def test_a_shared_subscription_that_delivers_nothing_is_found_out_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_source, "_CANARY_SECONDS", 1.0)
    with scene("mqtt", "nats") as place:  # NATS takes "$share" for a name like others
        source = place.make(share="all")
        with pytest.raises(SetupError, match="delivers nothing"):
            wait_for(lambda: bool(source.take(1, 0.1)), "a refusal")
        source.close()


def test_whoever_publishes_only_the_thread_that_takes_speaks_to_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client writes to its socket at once: two threads would mix halves of their packets."""
    with scene("mqtt", "nats") as place:
        source = place.open()
        assert isinstance(source, MqttSource)
        speaking: set[int | None] = set()
        client = source._client
        publish = client.publish

        def noting(*arguments: Any, **named: Any) -> Any:
            speaking.add(threading.get_ident())
            return publish(*arguments, **named)

        monkeypatch.setattr(client, "publish", noting)
        device = Device(place.broker)
        taker = threading.Thread(target=lambda: wait_for(lambda: bool(source.take(1, 30)), "a message"))
        taker.start()
        source.publish([(RECEIPTS, b"from another thread")])
        wait_for(lambda: bool(speaking), "it is sent")
        assert speaking == {taker.ident}
        device.send(b"last")
        taker.join()
        source.close()
        device.stop()


@pytest.mark.mosquitto
@pytest.mark.parametrize("is_first_alone", [False, True])
def test_gateways_that_share_a_subscription_get_each_message_once(is_first_alone: bool) -> None:
    with scene("mqtt", "mosquitto") as place:
        if is_first_alone:  # its session still holds the subscription of a gateway that is the only one
            place.open("gateway-1").close()
        sources = [place.open(f"gateway-{number}", share="all") for number in (1, 2)]
        device = Device(place.broker)
        sent = [b"%d" % number for number in range(40)]
        device.send(*sent)
        taken: list[list[bytes]] = [[], []]

        def take_all() -> int:
            for source, into in zip(sources, taken, strict=True):
                messages = source.take(10, 0.1)
                source.commit(messages)
                into += [message.payload for message in messages]
            return len(taken[0]) + len(taken[1])

        wait_for(lambda: take_all() >= len(sent), "every message")
        for _ in range(3):
            take_all()
        assert sorted([*taken[0], *taken[1]]) == sorted(sent)
        assert all(taken), "both work"
        for source in sources:
            source.close()
        device.stop()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://user:p%40ss@host", MqttAddress("host", 1883, False, "user", "p@ss")),
        ("mqtts://host:9999", MqttAddress("host", 9999, True, None, None)),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: MqttAddress) -> None:
    assert MqttAddress.parse(url) == address


@pytest.mark.parametrize("url", ["", "host:1883", "http://host", "mqtt://"])
def test_what_is_no_broker_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(SetupError, match="mqtt://user:password@host:1883"):
        MqttAddress.parse(url)
