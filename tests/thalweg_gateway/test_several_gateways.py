"""Several gateways on one source, some of which die, and servers that die: nothing is lost, nothing is doubled."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from thalweg_app.nats import GATEWAY
from thalweg_store.database import Database
from worlds.brokers import mosquitto, nats, wait_for
from worlds.cluster import cluster
from worlds.gateway import ECOSYSTEM, make_world
from worlds.load import Load, gateways

pytestmark = pytest.mark.slow
DEVICES = [f"load-{number}" for number in range(8)]
BATCHES_EACH = 500


@pytest.mark.parametrize("count", [2, 4])
def test_gateways_on_one_nats_consumer_lose_and_double_nothing_even_if_one_is_killed(
    count: int, database: Database, database_url: str, tmp_path: Path
) -> None:
    make_world(database)
    with nats(tmp_path / "nats", ECOSYSTEM, DEVICES, is_guarded=True) as broker:
        settings = {
            "THALWEG_NATS_URL": broker.server.nats_url(GATEWAY),
            "THALWEG_MQTT_URL": broker.url(GATEWAY),
            "THALWEG_NATS_ACK_WAIT_SECONDS": "5",
        }
        with gateways(count, database_url, settings, tmp_path / "gateways.log") as running:
            load = Load(database, DEVICES, [broker.port], BATCHES_EACH)
            load.start()
            wait_for(lambda: load.committed()[0] >= load.batches // 4, "a quarter is committed")
            running[0].send_signal(signal.SIGKILL)
            load.expect_nothing_lost_or_doubled()


@pytest.mark.mosquitto
@pytest.mark.parametrize("count", [2, 4])
def test_gateways_on_one_shared_subscription_lose_and_double_nothing(
    count: int, database: Database, database_url: str, tmp_path: Path
) -> None:
    make_world(database)
    with mosquitto(tmp_path / "mosquitto") as broker:
        settings = {"THALWEG_MQTT_URL": broker.url(GATEWAY), "THALWEG_MQTT_SHARE": "all"}
        log = tmp_path / "gateways.log"
        with gateways(count, database_url, settings, log):
            wait_for(lambda: log.read_text().count("taking events") == count, "all gateways are there")
            load = Load(database, DEVICES, [broker.port], BATCHES_EACH)
            load.start()
            load.expect_nothing_lost_or_doubled()


def test_a_node_of_three_killed_under_load_loses_and_doubles_nothing(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    make_world(database)
    with cluster(tmp_path / "nodes", ECOSYSTEM, DEVICES) as servers:
        log = tmp_path / "gateways.log"
        with gateways(2, database_url, servers.settings(), log):
            load = Load(database, DEVICES, servers.mqtt_ports, BATCHES_EACH)
            load.start()
            wait_for(lambda: load.committed()[0] >= load.batches // 4, "a quarter is committed", 120)
            servers.kill(0)
            load.expect_nothing_lost_or_doubled()
