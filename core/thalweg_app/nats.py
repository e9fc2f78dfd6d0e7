"""A NATS server of our own as MQTT broker: on the loopback interface, its messages kept on the disk.

An acknowledged QoS 1 message survives kill -9 of the server, as long as somebody is interested in it: so the gateway
makes its consumer before the first device is let in. Devices are let in by the process that answers the server's
question (`thalweg_gateway.auth_main`); our own processes have users in the configuration.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from thalweg.errors import SetupError
from thalweg_app.folder_claim import FolderClaim, can_look, processes_in
from thalweg_app.process import Program
from thalweg_gateway.auth_callout import CONSUMER
from thalweg_gateway.auth_claims import ACCOUNT, Issuer
from thalweg_gateway.nats_stream import consumer_info_subject

SERVER_VARIABLE: Final = "THALWEG_NATS_SERVER"
LOOPBACK: Final = "127.0.0.1"
MAX_MESSAGE_BYTES: Final = 64 << 10
MAX_STORE_BYTES: Final = 4 << 30
#: for the stream of devices' messages; the rest is for sessions and retained messages
MAX_STREAM_BYTES: Final = 3 << 30
GATEWAY: Final = "_gateway"  # no device id begins like this
AUTH: Final = "_auth"
SYSTEM: Final = "_system"
#: a gateway must never take along what waits for it
_DENIED: Final = (
    "$JS.API.STREAM.DELETE.>",
    "$JS.API.STREAM.PURGE.>",
    "$JS.API.STREAM.MSG.DELETE.>",
    "$JS.API.CONSUMER.DELETE.>",
)
_AUTH_SECONDS: Final = 5
_PASSWORD_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class NatsSecrets:
    """The passwords of our own users, and the seed of the key that devices' rights are signed with."""

    gateway: str = field(repr=False)
    auth: str = field(repr=False)
    system: str = field(repr=False)
    issuer_seed: str = field(repr=False)


class EmbeddedNats:
    """One server on one folder: ``supervisor.start(server.prepare())``."""

    def __init__(self, state_folder: Path, mqtt_port: int, client_port: int, own_secrets: NatsSecrets) -> None:
        """`mqtt_port` serves MQTT 3.1.1, `client_port` NATS clients; the folder is made when there is none."""
        self.mqtt_port = mqtt_port
        self.client_port = client_port
        self.secrets = own_secrets
        self._folder = state_folder.absolute()
        self._configuration = self._folder / "nats.conf"
        self._claim: FolderClaim | None = None
        #: a user without rights that only this server knows: another one at our port must not be taken for it
        self._witness = (f"_witness-{secrets.token_hex(4)}", new_password())

    def mqtt_url(self) -> str:
        """How the gateway signs in at the MQTT side."""
        return f"mqtt://{GATEWAY}:{quote(self.secrets.gateway, safe='')}@{LOOPBACK}:{self.mqtt_port}"

    def nats_url(self, user: str) -> str:
        """How `user` signs in at the NATS side: GATEWAY, AUTH or SYSTEM."""
        password = {GATEWAY: self.secrets.gateway, AUTH: self.secrets.auth, SYSTEM: self.secrets.system}[user]
        return f"nats://{user}:{quote(password, safe='')}@{LOOPBACK}:{self.client_port}"

    def prepare(self) -> Program:
        """Claims the folder, writes the configuration, and gives the program to run.

        Raises SetupError when another process uses the folder or there is no NATS server here.
        """
        command = find_server()
        self._claim = FolderClaim(self._folder)
        self._configure()
        return Program(
            name="nats",
            command=(str(command), "--config", str(self._configuration)),
            folder=self._folder,
            log=self._folder / "nats.log",
            environment=_environment(),
            may_start=self._has_no_leftovers,
            is_ready=self._serves_our_configuration,
            stop_ms=60_000,  # it stops its consumers one by one
        )

    def release(self) -> None:
        """Gives the folder back after the server has stopped."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _configure(self) -> None:
        unfinished = self._configuration.with_suffix(".new")
        with open(unfinished, "w", opener=_private) as file:
            file.write(json.dumps(self._configured(), indent=1) + "\n")
        unfinished.replace(self._configuration)

    def _configured(self) -> dict[str, Any]:
        return {
            "server_name": "thalweg",
            "host": LOOPBACK,
            "port": self.client_port,
            "max_payload": MAX_MESSAGE_BYTES,
            "jetstream": {
                "store_dir": str(self._folder / "store"),
                "max_file_store": MAX_STORE_BYTES,
                "max_memory_store": 64 << 20,
                # the default refuses a server's 1,001st QoS 1 subscription
                "limits": {"default_max_consumers": -1},
            },
            "mqtt": {"host": LOOPBACK, "port": self.mqtt_port, "ack_wait": "30s", "max_ack_pending": 2000},
            **accounts(self.secrets, self._witness),
        }

    def _serves_our_configuration(self) -> bool:
        return accepts(self.mqtt_port, *self._witness)

    def _has_no_leftovers(self) -> bool:
        """Whether a dead owner's server is gone; asks it to stop."""
        left = processes_in(self._folder.resolve(), "nats-server") if can_look() else []
        for process_id in left:
            os.kill(process_id, signal.SIGTERM)
        return not left


def _environment() -> dict[str, str]:
    """Half of the cores for the server: beside a gateway and a database, more only takes turns with them."""
    return {"GOMAXPROCS": str(max(1, (os.cpu_count() or 2) // 2)), **os.environ}


def accounts(own: NatsSecrets, witness: tuple[str, str] | None = None) -> dict[str, Any]:
    """Who may do what: our own users by password, everybody else as the callout says.

    `witness` is the name and the password of a user that may connect and do nothing.
    """
    consumer = consumer_info_subject()
    users: list[dict[str, Any]] = [
        {"user": GATEWAY, "password": own.gateway, "permissions": {"publish": {"deny": list(_DENIED)}}}
    ]
    if witness is not None:
        nothing = {"publish": {"deny": [">"]}, "subscribe": {"deny": [">"]}}
        users.append({"user": witness[0], "password": witness[1], "permissions": nothing})
    return {
        "accounts": {
            "SYS": {"users": [{"user": SYSTEM, "password": own.system}]},
            "AUTH": {
                "users": [{"user": AUTH, "password": own.auth}],
                "imports": [{"service": {"account": ACCOUNT, "subject": consumer}, "to": CONSUMER}],
            },
            ACCOUNT: {
                "jetstream": "enabled",
                "users": users,
                "exports": [{"service": consumer, "accounts": ["AUTH"]}],
            },
        },
        "system_account": "SYS",
        "authorization": {
            "timeout": _AUTH_SECONDS,
            "auth_callout": {
                "issuer": Issuer(own.issuer_seed).public_key,
                "account": "AUTH",
                "auth_users": [AUTH, SYSTEM, *(user["user"] for user in users)],
            },
        },
    }


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


def accepts(mqtt_port: int, user: str, password: str, client_id: str | None = None) -> bool:
    """Whether an MQTT server at this port of the loopback interface lets `user` connect, within two seconds.

    A device's client id is its user name, which is meant without another one.
    """
    answers: list[ReasonCode] = []

    def on_connect(_: Client, __: None, ___: ConnectFlags, code: ReasonCode, ____: Properties | None) -> None:
        answers.append(code)

    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id or user)
    client.username_pw_set(user, password)
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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
