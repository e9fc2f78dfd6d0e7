"""Messages of other devices on the gateway's own way: from a broker, beside those of our devices."""

from __future__ import annotations

import json
import signal
import time
from functools import reduce
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from thalweg.errors import InvalidProfile, SetupError
from thalweg.profiles import shipped
from thalweg_app.nats import GATEWAY
from thalweg_gateway.auth_rights import Rights
from thalweg_gateway.foreign_intake import ForeignIntake, load_profiles
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.mqtt_source import MqttSource
from thalweg_gateway.nats_link import NatsAddress
from thalweg_gateway.nats_source import NatsSource
from thalweg_gateway.nats_stream import StreamOptions
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.settings import GatewaySettings
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry
from worlds.brokers import PASSWORD, Broker, mosquitto, nats, wait_for
from worlds.gateway import ECOSYSTEM, ROOT_KEY, World, charge
from worlds.load import gateways
from worlds.sources import scene

PLUG = "tele/plug-1/SENSOR"
CLOUD_EVENT = {
    "specversion": "1.0",
    "type": "water",
    "source": "/plug-1",
    "id": "1",
    "time": "2026-01-01T00:00:00Z",
    "data": {"quantity": 2, "unit": "L"},
}


def reading(kwh: str, minute: int) -> bytes:
    return b'{"Time":"2026-01-01T12:%02d:00","ENERGY":{"Total":%b}}' % (minute, kwh.encode())


def intake(database: Database, profiles: str = "tasmota-energy, cloudevents") -> ForeignIntake:
    Registry(database).ensure_devices(
        ECOSYSTEM, [NewDevice(name="plug-1", operator="city-charge", roles={})], BEGINNING
    )
    return ForeignIntake(database, ECOSYSTEM, load_profiles(profiles))


def counted(world: World) -> dict[tuple[str, str], int]:
    rows = world.rows("select kind, outcome, quantity from tally where quantity <> 0")
    return {(kind, outcome): int(quantity) for kind, outcome, quantity in rows}


@pytest.mark.slow
def test_both_kinds_of_messages_are_booked_and_what_comes_again_is_not(world: World) -> None:
    pipeline = Pipeline(world.source, world.database, ECOSYSTEM, ROOT_KEY, "g", foreign=intake(world.database))
    world.source.put(PLUG, reading("3.705", 0))
    world.send(world.batch(charge(500)))
    world.source.put(PLUG, reading("3.905", 5))
    world.source.put("tele/plug-1/STATE", b"{}")
    pipeline.step()
    expected = {("charging.session", "mapped"): 500, ("energy", "unmapped"): 200}
    assert counted(world) == expected
    assert len(world.source.committed) == 4
    assert world.rows("select reason, topic from rejection") == [("malformed", "tele/plug-1/STATE")]
    for message in [*world.source.committed]:
        world.source.put(message.topic, message.payload)
    pipeline.step()
    assert counted(world) == expected


@pytest.mark.slow
def test_what_is_of_no_registered_device_is_a_rejection_and_acknowledged(world: World) -> None:
    pipeline = Pipeline(world.source, world.database, ECOSYSTEM, ROOT_KEY, "g", foreign=intake(world.database))
    world.source.put("tele/stranger/SENSOR", reading("1", 0))
    world.source.put(PLUG, b"not json")
    pipeline.step()
    assert sorted(world.rows("select reason from rejection")) == [("malformed",), ("unknown_device",)]
    assert len(world.source.committed) == 2


@pytest.mark.slow
@pytest.mark.mosquitto
def test_a_broker_delivers_them_at_either_quality_of_service(world: World) -> None:
    with scene("mqtt", "mosquitto") as place:
        foreign = intake(world.database)
        source = MqttSource(MqttAddress.parse(place.broker.url("_gateway")), ECOSYSTEM, "g", others=foreign.filters)
        pipeline = Pipeline(source, world.database, ECOSYSTEM, ROOT_KEY, "g", foreign=foreign)
        wait_for(lambda: source.take(0, 0.05) == [] and source.is_ready, "the source is subscribed")
        plug = paho.Client(CallbackAPIVersion.VERSION2, client_id="plug")
        plug.connect("127.0.0.1", place.broker.port)
        plug.loop_start()
        for minute in range(6):
            plug.publish(PLUG, reading(f"{7 + minute}.5", minute), qos=minute % 2).wait_for_publish(10)
        plug.publish("cloudevents/x", json.dumps(CLOUD_EVENT), qos=1)

        def is_booked() -> bool:
            pipeline.step()
            return counted(world) == {("energy", "unmapped"): 5000, ("water", "unmapped"): 2000}

        wait_for(is_booked, "every message")
        end = time.monotonic() + 1
        while time.monotonic() < end and source.is_ready:
            pipeline.step()
        assert source.is_ready, "the broker took no acknowledgement amiss"
        plug.loop_stop()
        plug.disconnect()
        source.close()


@pytest.mark.slow
@pytest.mark.mosquitto
def test_gateway_processes_of_which_one_is_killed_and_starts_again_count_each_message_once(
    world: World, database_url: str, tmp_path: Path
) -> None:
    intake(world.database)
    with mosquitto(tmp_path / "mosquitto") as broker:
        log = tmp_path / "gateways.log"
        told = {
            "THALWEG_MQTT_URL": broker.url("_gateway"),
            "THALWEG_MQTT_SHARE": "all",
            "THALWEG_PROFILES": "cloudevents",
        }
        with gateways(2, database_url, told, log) as running:
            wait_for(lambda: log.read_text().count("taking events") == 2, "both gateways are there")
            sender = paho.Client(CallbackAPIVersion.VERSION2, client_id="pump")
            sender.connect("127.0.0.1", broker.port)
            sender.loop_start()
            for number in range(600):
                sender.publish("cloudevents/x", json.dumps(CLOUD_EVENT | {"id": str(number % 500)}), qos=1)
            wait_for(lambda: bool(counted(world)), "something is committed")
            running[0].send_signal(signal.SIGKILL)
            running[0].wait()
            with gateways(1, database_url, told, log):  # again, for what its session still holds
                wait_for(lambda: counted(world) == {("water", "unmapped"): 1_000_000}, "each of 500 messages once")
            sender.loop_stop()
            sender.disconnect()
    assert world.rows("select count(*) from source_key where seq is not null") == [(500,)]
    assert world.rows("select reason from rejection") == []


class Sender:
    """A registered device that speaks its own MQTT."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.username_pw_set(name, PASSWORD)
        self._client.will_set(f"tele/{name}/LWT", b"Offline", retain=True)  # which nobody lets it publish
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        wait_for(self._client.is_connected, f"{name} is let in")

    def send(self, topic: str, payload: bytes, qos: int) -> None:
        """Returns once it is sent, at QoS 1 once it is acknowledged."""
        self._client.publish(topic, payload, qos=qos).wait_for_publish(10)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.mark.slow
def test_nats_lets_each_device_publish_what_names_it_and_a_bridge_everything(world: World, tmp_path: Path) -> None:
    foreign = intake(world.database)
    rights = Rights(ECOSYSTEM, load_profiles("tasmota-energy, cloudevents"), ["bridge"])
    with nats(tmp_path / "nats", ECOSYSTEM, ["plug-1", "plug-2", "bridge"], rights=rights) as broker:
        address = NatsAddress.parse(broker.server.nats_url(GATEWAY))
        doors = [MqttAddress.parse(broker.url(GATEWAY))]
        source = NatsSource(address, doors, ECOSYSTEM, "g", StreamOptions(), foreign.filters)
        pipeline = Pipeline(source, world.database, ECOSYSTEM, ROOT_KEY, "g", foreign=foreign)
        wait_for(lambda: source.is_ready, "a gateway")
        plug, other, bridge = (Sender(broker, name) for name in ("plug-1", "plug-2", "bridge"))

        def has_counted(energy: int, water: int) -> bool:
            pipeline.step()
            return counted(world) == {("energy", "unmapped"): energy, ("water", "unmapped"): water}

        for qos in (0, 1):  # acknowledged and dropped
            other.send(PLUG, reading("99.5", 8), qos)
            plug.send("cloudevents/x", json.dumps(CLOUD_EVENT | {"id": "2"}).encode(), qos)
            plug.send("tele/plug-1/STATE", b"{}", qos)
        for minute in range(6):
            plug.send(PLUG, reading(f"{7 + minute}.5", minute), 1)
        bridge.send("cloudevents/x", json.dumps(CLOUD_EVENT).encode(), 1)
        wait_for(lambda: has_counted(5000, 2000), "what was sent at QoS 1, once")
        for energy, sender in ((6000, plug), (7000, bridge)):

            def send_again(energy: int = energy, sender: Sender = sender) -> bool:
                sender.send(PLUG, reading(f"{7 + energy // 1000}.5", energy // 1000), 0)
                bridge.send("cloudevents", json.dumps(CLOUD_EVENT | {"id": "3"}).encode(), 0)
                return has_counted(energy, 4000)

            wait_for(send_again, "what was sent at QoS 0, once")
        assert world.rows("select reason from rejection") == []
        for sender in (plug, other, bridge):
            sender.stop()
        source.close()


@pytest.mark.slow
def test_what_came_at_qos_1_waits_in_the_stream_while_no_gateway_is_there(world: World, tmp_path: Path) -> None:
    foreign = intake(world.database)
    rights = Rights(ECOSYSTEM, load_profiles("tasmota-energy"))
    with nats(tmp_path / "nats", ECOSYSTEM, ["plug-1"], rights=rights) as broker:
        address = NatsAddress.parse(broker.server.nats_url(GATEWAY))
        doors = [MqttAddress.parse(broker.url(GATEWAY))]

        def start() -> NatsSource:
            source = NatsSource(address, doors, ECOSYSTEM, "g", StreamOptions(), foreign.filters)
            wait_for(lambda: source.is_ready, "a gateway")
            return source

        start().close()  # its consumer stays
        plug = Sender(broker, "plug-1")
        for minute in range(3):
            plug.send(PLUG, reading(f"{7 + minute}.5", minute), 1)
        plug.stop()
        broker.kill()
        broker.start()
        source = start()
        pipeline = Pipeline(source, world.database, ECOSYSTEM, ROOT_KEY, "g", foreign=foreign)

        def is_booked() -> bool:
            pipeline.step()
            return counted(world) == {("energy", "unmapped"): 2000}

        wait_for(is_booked, "what was acknowledged")
        source.close()


def settings(**more: Any) -> GatewaySettings:
    key = bytes(range(32)).hex()
    return GatewaySettings(database_url="postgresql://x", ecosystem="e", root_key=key, **more)


def test_the_settings_name_profiles() -> None:
    named = settings(nats_url="nats://a", profiles="tasmota-energy,zigbee2mqtt-energy")
    assert [profile.id for profile in load_profiles(named.profiles)] == ["tasmota-energy", "zigbee2mqtt-energy"]
    assert load_profiles(settings(mqtt_url="mqtt://a").profiles) == []


def test_profiles_that_a_gateway_cannot_use_are_refused_at_its_start(tmp_path) -> None:
    with pytest.raises(SetupError, match="neither a file nor a shipped profile"):
        load_profiles("nothing")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("id: a\n")
    with pytest.raises(InvalidProfile, match="it is missing"):
        load_profiles(str(wrong))
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SetupError, match="for files"):
        ForeignIntake(database, ECOSYSTEM, load_profiles("sap-sessions"))
    greedy = tmp_path / "greedy.yaml"
    for topic in ("+/+/+/e", "#", "tw1/house/plug/e"):
        own = {"tele/{device}/SENSOR": f'"{topic}"', "{topic: device}": "{from: name}"}
        greedy.write_text(reduce(lambda text, each: text.replace(*each), own.items(), shipped.text("tasmota-energy")))
        with pytest.raises(SetupError, match="where signed batches come"):
            ForeignIntake(database, ECOSYSTEM, load_profiles(str(greedy)))
    assert ForeignIntake(database, ECOSYSTEM, load_profiles("tasmota-energy")).filters == ["tele/+/SENSOR"]
