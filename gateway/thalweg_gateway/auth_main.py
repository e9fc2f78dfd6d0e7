"""The process that lets devices in: `python -m thalweg_gateway.auth_main`.

A process of its own: gateways may come and go, and be busy, while devices connect; and only this one holds the key that
rights are signed with.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import nats
from nats.aio.client import Client

from thalweg.errors import ThalwegError
from thalweg_gateway.auth_callout import Callout, ConsumerWatch
from thalweg_gateway.auth_claims import Issuer
from thalweg_gateway.auth_observability import AuthHealth, AuthMetrics
from thalweg_gateway.auth_revocation import Revocation
from thalweg_gateway.auth_rights import Rights
from thalweg_gateway.foreign_intake import load_profiles
from thalweg_gateway.nats_link import NatsAddress
from thalweg_gateway.settings import AuthSettings
from thalweg_gateway.status_server import StatusServer
from thalweg_store import logs
from thalweg_store.database import Database
from thalweg_store.logins import Logins
from thalweg_store.reading import watermark

_LOG = logging.getLogger(__name__)
#: while nobody answers, a device that connects waits for the server's whole time limit, so be back soon
_RETRY_SECONDS: Final = 0.2
_BEAT_SECONDS: Final = 1.0
_STATUS_VARIABLE: Final = "THALWEG_AUTH_HTTP"


def main() -> int:
    """Answer until SIGTERM or SIGINT; 2 when the settings are wrong."""
    try:
        settings = AuthSettings.from_environment()
        logs.configure(settings.log, "auth")
        asyncio.run(_serve(settings))
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


async def _serve(settings: AuthSettings) -> None:
    issuer = Issuer(settings.nats_issuer_seed.get_secret_value())
    bridges = [name.strip() for name in settings.bridges.split(",")]
    rights = Rights(settings.ecosystem, load_profiles(settings.profiles), bridges)
    logins = Logins(Database(settings.database_url.get_secret_value()), settings.ecosystem)
    callout_address = NatsAddress.parse(settings.nats_url.get_secret_value())
    system_address = NatsAddress.parse(settings.nats_system_url.get_secret_value())
    links = _Links()
    metrics = AuthMetrics(settings.ecosystem, links.questions())
    probe = Database(settings.database_url.get_secret_value(), pool_size=1)
    health = AuthHealth(links.questions(), lambda: watermark(probe))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _status_server(settings.auth_http, metrics, health):
        tasks = [asyncio.create_task(_beat(health))]
        links.callout, links.system = await connect(callout_address), await connect(system_address)
        is_open = ConsumerWatch(links.callout).exists
        await Callout(rights, logins, issuer, is_open, metrics.answered).serve(links.callout)
        _LOG.info("letting in devices of %s", settings.ecosystem)
        tasks.append(asyncio.create_task(Revocation(logins.revoked, links.system, metrics).watch()))
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await links.callout.close()
        await links.system.close()


@dataclass
class _Links:
    """The connections to both accounts, once they are made."""

    callout: Client | None = None
    system: Client | None = None

    def questions(self) -> dict[str, Callable[[], bool]]:
        """Whether each is there now."""
        return {
            "callout": lambda: self.callout is not None and self.callout.is_connected,
            "system": lambda: self.system is not None and self.system.is_connected,
        }


def _status_server(
    address: str | None, metrics: AuthMetrics, health: AuthHealth
) -> contextlib.AbstractContextManager[object]:
    """The server that tells metrics and health, when the settings want one."""
    if address is None:
        return contextlib.nullcontext()
    return StatusServer(address, metrics.registry, health, _STATUS_VARIABLE)


async def _beat(health: AuthHealth) -> None:
    while True:
        health.turned()
        await asyncio.sleep(_BEAT_SECONDS)


async def connect(address: NatsAddress) -> Client:
    """A connection that is made, and made again, until the server is there."""
    scheme = "tls" if address.is_tls else "nats"
    return await nats.connect(
        servers=[f"{scheme}://{host}:{port}" for host, port in address.hosts],
        user=address.user,
        password=address.password,
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RETRY_SECONDS,
        error_cb=_note,
    )


async def _note(error: Exception) -> None:
    """One line instead of the library's traceback, which comes with every try."""
    _LOG.warning("the NATS server is away: %s", error or type(error).__name__)


if __name__ == "__main__":
    sys.exit(main())
