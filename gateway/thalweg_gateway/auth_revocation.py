"""Closes the live sessions of revoked devices, however they were revoked: it watches the registry."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Final

import nats.errors
from nats.aio.client import Client

from thalweg.errors import StoreError
from thalweg_gateway.auth_observability import AuthMetrics

_LOG = logging.getLogger(__name__)
WATCH_SECONDS: Final = 2.0
#: looked for so many times: a device may have been let in while it was being revoked
_ROUNDS: Final = 4
_ANSWER_SECONDS: Final = 1.0


class Revocation:
    """Watches the names that `revoked()` gives, and closes what the newly revoked have open."""

    def __init__(
        self, revoked: Callable[[], frozenset[str]], system: Client, metrics: AuthMetrics | None = None
    ) -> None:
        """`system` is a connection to the system account; `revoked()` may block and raise StoreError."""
        self._revoked = revoked
        self._system = system
        self._metrics = metrics
        #: revoked device → how often its sessions were looked for
        self._rounds: dict[str, int] = {}

    async def watch(self) -> None:
        """Never returns."""
        while True:
            try:
                await self.look()
            except (StoreError, nats.errors.Error) as error:
                _LOG.warning("cannot look for revoked devices: %s", error)
                if self._metrics:
                    self._metrics.revocation_failed()
            await asyncio.sleep(WATCH_SECONDS)

    async def look(self) -> None:
        """Once: close the sessions of all that were revoked of late."""
        names = await asyncio.to_thread(self._revoked)
        self._rounds = {name: self._rounds.get(name, 0) for name in names}
        for name in names:
            if self._rounds[name] < _ROUNDS:
                closed = await close_sessions(self._system, name)
                self._rounds[name] += 1
                if closed:
                    _LOG.warning("closed %d sessions of the revoked device %r", closed, name)
                    if self._metrics:
                        self._metrics.closed_sessions(closed)


async def close_sessions(system: Client, client_id: str) -> int:
    """Close every MQTT session with this client id, on every server of the cluster; how many there were."""
    inbox = system.new_inbox()
    answers = await system.subscribe(inbox)
    await system.publish("$SYS.REQ.SERVER.PING.CONNZ", json.dumps({"mqtt_client": client_id}).encode(), reply=inbox)
    closed = 0
    try:
        while True:  # every server answers; none says how many there are
            answer = json.loads((await answers.next_msg(timeout=_ANSWER_SECONDS)).data)
            for connection in answer["data"].get("connections") or ():
                kick = f"$SYS.REQ.SERVER.{answer['server']['id']}.KICK"
                await system.request(kick, json.dumps({"cid": connection["cid"]}).encode(), timeout=_ANSWER_SECONDS)
                closed += 1
    except nats.errors.TimeoutError:
        return closed
    finally:
        await answers.unsubscribe()
