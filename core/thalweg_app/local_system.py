"""The single-machine system: database, broker, gateway and API as one supervised process tree.

`THALWEG_DATABASE_URL` and `THALWEG_MQTT_URL` point it at servers that run already; then it starts none of its own.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from thalweg.errors import SetupError
from thalweg_app.local_secrets import LocalSecrets
from thalweg_app.mqtt_users import device_user, gateway_user
from thalweg_app.nats import LOOPBACK, EmbeddedNats
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor
from thalweg_store.database import Database

DATABASE_VARIABLE: Final = "THALWEG_DATABASE_URL"
MQTT_VARIABLE: Final = "THALWEG_MQTT_URL"
_GATEWAY: Final = "_gateway"  # no device id begins like this
_HTTP_SECONDS: Final = 10


class LocalSystem:
    """The parts in the order in which they are started; a context manager that stops them at its end."""

    def __init__(self, folder: Path, ecosystem: str, api_port: int) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ecosystem = ecosystem
        self.api_port = api_port
        self.secrets = LocalSecrets(self.folder)
        self.supervisor = Supervisor()
        self._owned: list[EmbeddedPostgres | EmbeddedNats] = []
        self._database_url = os.environ.get(DATABASE_VARIABLE, "")
        self._mqtt_url = os.environ.get(MQTT_VARIABLE, "")

    @property
    def api_url(self) -> str:
        """Where the API and the dashboards are."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def broker(self) -> tuple[str, int]:
        """Host and port where devices connect; known once the broker was started."""
        parts = urlsplit(self._mqtt_url)
        return str(parts.hostname), parts.port or 1883

    def start_database(self) -> Database:
        """Start PostgreSQL and bring its tables up to date."""
        if not self._database_url:
            server = EmbeddedPostgres(self.folder / "postgres")
            self._owned.append(server)
            self.supervisor.start(server.prepare())
            self._database_url = server.url
        database = Database(self._database_url)
        database.upgrade()
        return database

    def start_broker(self, devices: Iterable[str]) -> Mapping[str, str]:
        """Start NATS with a user for each device and one for the gateway; the devices' passwords."""
        names = list(devices)
        passwords = self.secrets.passwords([*names, _GATEWAY])
        if not self._mqtt_url:
            server = EmbeddedNats(self.folder / "nats", free_port(), free_port())
            self._owned.append(server)
            users = [device_user(self.ecosystem, name, passwords[name]) for name in names]
            self.supervisor.start(server.prepare([gateway_user(_GATEWAY, passwords[_GATEWAY]), *users]))
            password = quote(passwords[_GATEWAY], safe="")
            self._mqtt_url = f"mqtt://{_GATEWAY}:{password}@{LOOPBACK}:{server.mqtt_port}"
        return passwords

    def start_gateway(self) -> None:
        """Start the gateway; devices keep their events until it says that it takes them."""
        secrets = {"THALWEG_ROOT_KEY": self.secrets.root_key.hex(), "THALWEG_ECOSYSTEM": self.ecosystem}
        self._start_service("gateway", "thalweg_gateway.main", secrets)

    def start_api(self) -> None:
        """Start the API and wait until it answers; raises SetupError when its port is taken."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.api_port))
            except OSError:
                raise SetupError(f"port {self.api_port} is taken: name another one with --port") from None
        self._start_service("api", "thalweg_api.main", {"THALWEG_API_PORT": str(self.api_port)})

    def get(self, path: str, token: str) -> Any:
        """The API's JSON answer to a GET; raises SetupError with the problem's detail."""
        request = urllib.request.Request(self.api_url + path, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SetupError(f"{path}: {error.code} {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise SetupError(f"{path}: the API does not answer: {error}") from None

    def stop(self) -> None:
        """Stop everything that was started here, in reverse order."""
        self.supervisor.stop()
        while self._owned:
            self._owned.pop().release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start_service(self, name: str, module: str, more: Mapping[str, str]) -> None:
        environment = {**os.environ, DATABASE_VARIABLE: self._database_url, MQTT_VARIABLE: self._mqtt_url, **more}
        program = Program(
            name=name,
            command=(sys.executable, "-m", module),
            environment=environment,
            log=self.folder / f"{name}.log",
            is_ready=self._api_answers if name == "api" else lambda: True,
        )
        self.supervisor.start(program)

    def _api_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/healthz", timeout=_HTTP_SECONDS):  # noqa: S310 - our own address
                return True
        except OSError:
            return False


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
