"""A NATS server of our own as MQTT broker: on the loopback interface, its messages kept on the disk.

An acknowledged QoS 1 message for a session that is away survives kill -9 of the server. A message that no session
wants is acknowledged and not kept: so the gateway subscribes before the first device publishes.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from thalweg.errors import SetupError
from thalweg_app.folder_claim import FolderClaim, can_look, processes_in
from thalweg_app.mqtt_users import MqttUser, nats_user
from thalweg_app.process import Program

SERVER_VARIABLE: Final = "THALWEG_NATS_SERVER"
LOOPBACK: Final = "127.0.0.1"
MAX_MESSAGE_BYTES: Final = 64 << 10
MAX_STORE_BYTES: Final = 4 << 30
_PASSWORD_BYTES: Final = 24


class EmbeddedNats:
    """One server on one folder: ``supervisor.start(server.prepare(users))``, later ``server.admit(users)``."""

    def __init__(self, state_folder: Path, mqtt_port: int, client_port: int) -> None:
        """`mqtt_port` serves MQTT 3.1.1, `client_port` NATS clients; the folder is made when there is none."""
        self.mqtt_port = mqtt_port
        self._client_port = client_port
        self._folder = state_folder.absolute()
        self._configuration = self._folder / "nats.conf"
        self._claim: FolderClaim | None = None
        self._witness = _new_witness()

    def prepare(self, users: Iterable[MqttUser]) -> Program:
        """Claims the folder, writes the configuration, and gives the program to run.

        Raises SetupError when another process uses the folder or there is no NATS server here.
        """
        command = find_server()
        self._claim = FolderClaim(self._folder)
        self.admit(users)
        return Program(
            name="nats",
            command=(str(command), "--config", str(self._configuration)),
            folder=self._folder,
            log=self._folder / "nats.log",
            may_start=self._has_no_leftovers,
            is_ready=self._serves_the_present_configuration,
            stop_ms=60_000,  # it stops its consumers one by one
            reload_signal=signal.SIGHUP,
        )

    def admit(self, users: Iterable[MqttUser]) -> None:
        """Writes the users, all of them, for the next start; ``supervisor.reload("nats")`` has a running server follow.

        Sessions of users that stay as they are go on; those of changed or missing users are closed.
        """
        self._witness = _new_witness()
        text = json.dumps(self._configured([*users, self._witness]), indent=1)
        unfinished = self._configuration.with_suffix(".new")
        with open(unfinished, "w", opener=_private) as file:
            file.write(text + "\n")
        unfinished.replace(self._configuration)

    def release(self) -> None:
        """Gives the folder back after the server has stopped."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _configured(self, users: list[MqttUser]) -> dict[str, Any]:
        return {
            "server_name": "thalweg",
            "host": LOOPBACK,
            "port": self._client_port,
            "max_payload": MAX_MESSAGE_BYTES,
            "jetstream": {
                "store_dir": str(self._folder / "store"),
                "max_file_store": MAX_STORE_BYTES,
                "max_memory_store": 64 << 20,
                # the default refuses a server's 1,001st QoS 1 subscription
                "limits": {"default_max_consumers": -1},
            },
            "mqtt": {"host": LOOPBACK, "port": self.mqtt_port, "ack_wait": "30s", "max_ack_pending": 2000},
            "accounts": {"APP": {"jetstream": "enabled", "users": [nats_user(user) for user in users]}},
        }

    def _has_no_leftovers(self) -> bool:
        """Whether a dead owner's server is gone; asks it to stop."""
        left = processes_in(self._folder.resolve(), "nats-server") if can_look() else []
        for process_id in left:
            os.kill(process_id, signal.SIGTERM)
        return not left

    def _serves_the_present_configuration(self) -> bool:
        """Whether the server accepts the witness, a user without rights that is new in each configuration."""
        return accepts(self.mqtt_port, self._witness)


def new_password() -> str:
    """A random password of 192 bits, letters, digits, "-" and "_"."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def find_server() -> Path:
    """The NATS server: the one that THALWEG_NATS_SERVER names, else the one beside this Python, else on the PATH."""
    beside = Path(sys.executable).with_name("nats-server")
    named = os.environ.get(SERVER_VARIABLE) or (str(beside) if beside.exists() else "nats-server")
    found = shutil.which(named)
    if found is None:
        raise SetupError(
            f"there is no NATS server {named!r} here: pip install 'thalweg[local]', name the program in "
            f"{SERVER_VARIABLE}, or name a running broker in THALWEG_MQTT_URL"
        )
    return Path(found).absolute()


def accepts(mqtt_port: int, user: MqttUser) -> bool:
    """Whether an MQTT server at this port of the loopback interface lets `user` connect, within two seconds."""
    answers: list[ReasonCode] = []

    def on_connect(_: Client, __: None, ___: ConnectFlags, code: ReasonCode, ____: Properties | None) -> None:
        answers.append(code)

    client = Client(CallbackAPIVersion.VERSION2, client_id=user.name)
    client.username_pw_set(user.name, user.password)
    client.on_connect = on_connect
    try:
        client.connect(LOOPBACK, mqtt_port)
    except OSError:
        return False
    for _ in range(20):
        if answers or client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            break
    client.disconnect()
    return bool(answers) and not answers[0].is_failure


def _new_witness() -> MqttUser:
    return MqttUser(f"_witness-{secrets.token_hex(4)}", new_password(), (), ())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
