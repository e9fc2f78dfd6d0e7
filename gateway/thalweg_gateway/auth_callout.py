"""Answers the NATS servers' question whether a device may connect, from the registry.

A device's user name and its MQTT client id are its device id: a server that took another client id would let a device
take over another's session. Nobody is let in while the gateway's consumer is missing: the server would acknowledge
events that it does not keep.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from thalweg.errors import StoreError
from thalweg.wire.topics import is_id
from thalweg_gateway.auth_claims import AuthRequest, Issuer
from thalweg_store.logins import Login

_LOG = logging.getLogger(__name__)
QUESTIONS: Final = "$SYS.REQ.USER.AUTH"
#: under this subject the servers' configuration lets us ask about the gateway's consumer
CONSUMER: Final = "gateway.consumer"
_QUEUE: Final = "thalweg-auth"
_THREADS: Final = 4
#: a server has given up on a question that is older
_STALE_SECONDS: Final = 4.0
_ASK_SECONDS: Final = 1.0
#: a consumer that was there is believed to be there for so long
_BELIEVED_SECONDS: Final = 1.0


class LoginBook(Protocol):
    """Where logins are found; `thalweg_store.logins.Logins` in real life."""

    def find(self, device: str) -> Login | None:
        """The login of `device`; raises StoreError."""


class Callout:
    """Judges one question after the other; password digests are computed in threads."""

    def __init__(
        self, ecosystem: str, logins: LoginBook, issuer: Issuer, is_open: Callable[[], Awaitable[bool]]
    ) -> None:
        """`is_open()` says whether events would be kept."""
        self._ecosystem = ecosystem
        self._logins = logins
        self._issuer = issuer
        self._is_open = is_open
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="password")
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, connection: Client) -> None:
        """Answer from now on; returns once the servers know that we do."""
        await connection.subscribe(QUESTIONS, queue=_QUEUE, cb=self._begin)
        await connection.flush()

    async def _begin(self, message: Msg) -> None:
        """Answer beside the others: one slow password check holds up nobody."""
        task = asyncio.create_task(self._answer(message, time.monotonic()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg, asked_at: float) -> None:
        request = AuthRequest.parse(message.data)
        if await self._is_open():
            why = await asyncio.get_running_loop().run_in_executor(self._pool, self._problem, request, asked_at)
        else:
            why = "the gateway's consumer is missing; devices are let in once a gateway runs"
        if why:
            _LOG.warning("refused %r: %s", request.user, why)
            answer = self._issuer.refuse(request, why, int(time.time()))
        else:
            answer = self._issuer.admit(request, self._ecosystem, int(time.time()))
        await message.respond(answer)

    def _problem(self, request: AuthRequest, asked_at: float) -> str:
        """Why the device may not connect; empty when it may."""
        if time.monotonic() - asked_at > _STALE_SECONDS:  # after a storm of questions, do not lag behind for ever
            return "too many questions at once"
        if not is_id(request.user):
            return "no device id"
        if request.client_id != request.user:
            return f"the MQTT client id {request.client_id!r} is not the user name"
        try:
            login = self._logins.find(request.user)
        except StoreError as error:
            return str(error)
        return _mismatch(login, request.password)


def _mismatch(login: Login | None, password: str) -> str:
    if login is None:
        return "unknown device, or one without a login"
    if not login.is_active:
        return "revoked"
    return "" if login.accepts(password) else "wrong password"


class ConsumerWatch:
    """Whether the gateway's consumer exists."""

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._seen_at = float("-inf")

    async def exists(self) -> bool:
        """Ask the server, unless it has just said yes."""
        if time.monotonic() - self._seen_at < _BELIEVED_SECONDS:
            return True
        try:
            answer = await self._connection.request(CONSUMER, timeout=_ASK_SECONDS)
        except nats.errors.Error:
            return False
        if "error" in json.loads(answer.data):
            return False
        self._seen_at = time.monotonic()
        return True
