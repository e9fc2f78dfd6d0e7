"""The single-machine system: database, broker, gateway and API as one supervised process tree.

`THALWEG_DATABASE_URL` and `THALWEG_MQTT_URL` point it at servers that run already; then it starts none of its own. With
`THALWEG_NATS_URL` too, the broker is NATS, and events are taken from its stream; who lets devices in there is not ours.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from thalweg.errors import SetupError
from thalweg_app.local_secrets import LocalSecrets
from thalweg_app.nats import AUTH, GATEWAY, LOOPBACK, MAX_STREAM_BYTES, SYSTEM, EmbeddedNats
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor
from thalweg_store.database import Database
from thalweg_store.logins import Logins
from thalweg_store.timescale import Result, Step

DATABASE_VARIABLE: Final = "THALWEG_DATABASE_URL"
NATS_VARIABLE: Final = "THALWEG_NATS_URL"
MQTT_VARIABLE: Final = "THALWEG_MQTT_URL"
_HTTP_SECONDS: Final = 10
_LOG = logging.getLogger(__name__)


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
        #: our own broker; None when there is one already
        self._nats: EmbeddedNats | None = None

    @property
    def api_url(self) -> str:
        """Where the API and the dashboards are."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def broker(self) -> tuple[str, int]:
        """Host and port where devices connect; known once the broker was started."""
        parts = urlsplit(self._mqtt_url)
        return str(parts.hostname), parts.port or 1883

    @property
    def database_url(self) -> str:
        """Where the database is; known once it was started."""
        return self._database_url

    def start_database(self) -> Database:
        """Start PostgreSQL and bring its tables up to date."""
        if not self._database_url:
            server = EmbeddedPostgres(self.folder / "postgres")
            self._owned.append(server)
            self.supervisor.start(server.prepare())
            self._database_url = server.url
        database = Database(self._database_url)
        log_steps(database.upgrade(), self.folder / "upgrade.log")
        return database

    def start_broker(self, devices: Iterable[str]) -> Mapping[str, str]:
        """Start NATS unless there is a broker; the registered devices' passwords, which are theirs from now on."""
        passwords = self.secrets.passwords(list(devices))
        if not self._mqtt_url:
            if os.environ.get(NATS_VARIABLE):
                raise SetupError(
                    f"{NATS_VARIABLE} needs {MQTT_VARIABLE} beside it: where devices connect to that server"
                )
            server = EmbeddedNats(self.folder / "nats", free_port(), free_port(), self.secrets.nats())
            self._owned.append(server)
            self.supervisor.start(server.prepare())
            self._mqtt_url, self._nats = server.mqtt_url(), server
        database = Database(self._database_url)
        Logins(database, self.ecosystem).set(passwords, datetime.now(UTC))
        database.close()
        return passwords

    def start_gateway(self) -> None:
        """Start the gateway, and at our own broker what lets devices in.

        Devices keep their events until the gateway says that it takes them.
        """
        self._launch_service("gateway", "thalweg_gateway.main", {"THALWEG_ROOT_KEY": self.secrets.root_key.hex()})
        if self._nats is not None:
            self._launch_service("auth", "thalweg_gateway.auth_main", {})

    def start_api(self) -> None:
        """Start the API and wait until it answers; raises SetupError when its port is taken."""
        self.launch_api()
        self.await_api()

    def launch_api(self) -> None:
        """Start the API, which needs the database only; raises SetupError when its port is taken."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.api_port))
            except OSError:
                raise SetupError(f"port {self.api_port} is taken: name another one with --port") from None
        self._launch_service("api", "thalweg_api.main", {"THALWEG_API_PORT": str(self.api_port)})

    def await_api(self) -> None:
        """Wait until the API answers; raises SetupError with the end of its log when it fails."""
        self.supervisor.await_ready("api")

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

    def _launch_service(self, name: str, module: str, more: Mapping[str, str]) -> None:
        environment = {**os.environ, DATABASE_VARIABLE: self._database_url, "THALWEG_ECOSYSTEM": self.ecosystem, **more}
        environment |= self._broker_settings(is_auth=name == "auth")
        program = Program(
            name=name,
            command=(sys.executable, "-m", module),
            environment=environment,
            log=self.folder / f"{name}.log",
            is_ready=self._api_answers if name == "api" else lambda: True,
        )
        self.supervisor.launch(program)

    def _broker_settings(self, *, is_auth: bool) -> dict[str, str]:
        """Where the broker is; each process is told its own passwords only."""
        server = self._nats
        if server is None:
            return {MQTT_VARIABLE: self._mqtt_url}
        if is_auth:
            return {
                NATS_VARIABLE: server.nats_url(AUTH),
                "THALWEG_NATS_SYSTEM_URL": server.nats_url(SYSTEM),
                "THALWEG_NATS_ISSUER_SEED": server.secrets.issuer_seed,
            }
        return {
            NATS_VARIABLE: server.nats_url(GATEWAY),
            MQTT_VARIABLE: self._mqtt_url,
            "THALWEG_NATS_STREAM_BYTES": str(MAX_STREAM_BYTES),
        }

    def _api_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/readyz", timeout=_HTTP_SECONDS):  # noqa: S310 - our own address
                return True
        except OSError:
            return False


def log_steps(steps: Iterable[Step], path: Path) -> None:
    """One line in the file at `path` for each part of TimescaleDB that was changed, left out or refused."""
    told = [step for step in steps if step.result is not Result.UNCHANGED]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with path.open("a", encoding="utf-8") as log:
        log.writelines(f"{now} {step.subject}: {step.result.value} {step.detail}\n" for step in told)
    for step in told:
        if step.result is Result.FAILED:
            _LOG.warning("%s: %s %s", step.subject, step.result.value, step.detail)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
