"""The process that lets devices in at NATS, as a thread on logins in memory."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from types import TracebackType
from typing import Self

from thalweg_gateway.auth_callout import Callout, ConsumerWatch
from thalweg_gateway.auth_claims import Issuer
from thalweg_gateway.auth_main import connect
from thalweg_gateway.auth_observability import AuthMetrics
from thalweg_gateway.auth_revocation import Revocation
from thalweg_gateway.auth_rights import Rights
from thalweg_gateway.nats_link import NatsAddress
from thalweg_store.logins import Login, make_login


class MemoryLogins:
    """A registry in memory."""

    def __init__(self) -> None:
        self._logins: dict[str, Login] = {}

    def set(self, device: str, password: str) -> None:
        self._logins[device] = make_login(password)

    def revoke(self, device: str) -> None:
        self._logins[device] = replace(self._logins[device], is_active=False)

    def find(self, device: str) -> Login | None:
        return self._logins.get(device)

    def revoked(self) -> frozenset[str]:
        return frozenset(name for name, login in self._logins.items() if not login.is_active)


class Doorkeeper:
    """Lets in devices of one ecosystem from `start` until `stop`; a context manager."""

    def __init__(
        self,
        auth_url: str,
        system_url: str,
        issuer_seed: str,
        ecosystem: str,
        is_guarded: bool,
        rights: Rights | None = None,
    ) -> None:
        self.logins = MemoryLogins()
        self.metrics = AuthMetrics(ecosystem, {})
        self._addresses = NatsAddress.parse(auth_url), NatsAddress.parse(system_url)
        self._issuer = Issuer(issuer_seed)
        self._rights = rights or Rights(ecosystem)
        self._is_guarded = is_guarded
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()

    def start(self) -> None:
        """Returns once the servers know."""
        serving = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(serving)), daemon=True)
        self._thread.start()
        assert serving.wait(30)

    def stop(self) -> None:
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def _serve(self, serving: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        connection, system = [await connect(address) for address in self._addresses]
        is_open = ConsumerWatch(connection).exists if self._is_guarded else _always
        await Callout(self._rights, self.logins, self._issuer, is_open, self.metrics.answered).serve(connection)
        watch = asyncio.create_task(Revocation(self.logins.revoked, system, self.metrics).watch())
        serving.set()
        await self._stop.wait()
        watch.cancel()
        await connection.close()
        await system.close()


async def _always() -> bool:
    return True
