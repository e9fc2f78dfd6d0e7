"""Three NATS servers on the loopback interface that are one cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from thalweg_app.local_system import free_port
from thalweg_app.nats import AUTH, GATEWAY, SYSTEM, NatsSecrets, accepts, accounts, find_server
from thalweg_edge.lifeline import tied_to_parent
from thalweg_gateway.auth_claims import new_seed
from worlds.brokers import PASSWORD, wait_for
from worlds.doorkeeper import Doorkeeper

NODES = 3


@dataclass
class Cluster:
    """The servers, by number."""

    secrets: NatsSecrets
    client_ports: list[int]
    mqtt_ports: list[int]
    processes: list[subprocess.Popen[bytes]]
    door: Doorkeeper

    def settings(self) -> dict[str, str]:
        """What a gateway is told."""
        doors = ",".join(f"mqtt://{GATEWAY}:{PASSWORD}@127.0.0.1:{port}" for port in self.mqtt_ports)
        return {
            "THALWEG_NATS_URL": nats_url(GATEWAY, PASSWORD, self.client_ports),
            "THALWEG_MQTT_URL": doors,
            "THALWEG_NATS_REPLICAS": str(NODES),
            "THALWEG_NATS_ACK_WAIT_SECONDS": "5",
        }

    def kill(self, number: int) -> None:
        """kill -9 of one server, for good."""
        self.processes[number].kill()
        self.processes[number].wait()


def nats_url(user: str, password: str, ports: list[int]) -> str:
    return f"nats://{user}:{password}@" + ",".join(f"127.0.0.1:{port}" for port in ports)


@contextmanager
def cluster(folder: Path, ecosystem: str, devices: list[str]) -> Iterator[Cluster]:
    """The cluster, and what lets the devices in, guarded as in real life."""
    own = NatsSecrets(PASSWORD, "auth-password", "system-password", new_seed())
    client_ports, mqtt_ports, route_ports = ([free_port() for _ in range(NODES)] for _ in range(3))
    routes = [f"nats://127.0.0.1:{port}" for port in route_ports]
    processes = []
    for number in range(NODES):
        home = folder / f"node-{number}"
        home.mkdir(parents=True)
        configuration = {
            "server_name": f"node-{number}",
            "host": "127.0.0.1",
            "port": client_ports[number],
            "max_payload": 64 << 10,
            "jetstream": {"store_dir": str(home), "max_file_store": 2 << 30, "limits": {"default_max_consumers": -1}},
            "mqtt": {"host": "127.0.0.1", "port": mqtt_ports[number], "stream_replicas": NODES},
            "cluster": {"name": "site", "host": "127.0.0.1", "port": route_ports[number], "routes": routes},
            **accounts(own),
        }
        (home / "nats.conf").write_text(json.dumps(configuration))
        with (home / "nats.log").open("wb") as log:
            command = [str(find_server()), "--config", str(home / "nats.conf")]
            processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=tied_to_parent())  # noqa: PLW1509
            )
    door = Doorkeeper(
        nats_url(AUTH, own.auth, client_ports), nats_url(SYSTEM, own.system, client_ports), own.issuer_seed, ecosystem,
        is_guarded=True,
    )  # fmt: skip
    for device in devices:
        door.logins.set(device, PASSWORD)
    try:
        for port in mqtt_ports:
            wait_for(lambda: accepts(port, GATEWAY, PASSWORD, "probe"), "the cluster has a leader")  # noqa: B023
        with door:
            yield Cluster(own, client_ports, mqtt_ports, processes, door)
    finally:
        for process in processes:
            process.kill()
            process.wait()
