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
from typing import Final, NamedTuple, Protocol

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from thalweg.errors import StoreError
from thalweg.wire.topics import is_id
from thalweg_gateway.auth_claims import AuthRequest, Issuer
from thalweg_gateway.auth_observability import Outcome
from thalweg_gateway.auth_rights import Rights
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


class Judgement(NamedTuple):
    """What becomes of one question, and why a device is refused, in words."""

    outcome: Outcome
    why: str


_NO_GATEWAY: Final = Judgement(
    Outcome.NO_GATEWAY, "the gateway's consumer is missing; devices are let in once a gateway runs"
)


class Callout:
    """Judges one question after the other; password digests are computed in threads."""

    def __init__(
        self,
        rights: Rights,
        logins: LoginBook,
        issuer: Issuer,
        is_open: Callable[[], Awaitable[bool]],
        note: Callable[[Outcome, float], None] = lambda _outcome, _seconds: None,
    ) -> None:
        """`is_open()` says whether events would be kept; `note` is told of each answer, and how long it took."""
        self._rights = rights
        self._logins = logins
        self._issuer = issuer
        self._is_open = is_open
        self._note = note
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
            outcome, why = await asyncio.get_running_loop().run_in_executor(self._pool, self._judge, request, asked_at)
        else:
            outcome, why = _NO_GATEWAY
        if outcome is Outcome.LET_IN:
            answer = self._issuer.admit(request, self._rights, int(time.time()))
        else:
            _LOG.warning("refused %r: %s", request.user, why)
            answer = self._issuer.refuse(request, why, int(time.time()))
        await message.respond(answer)
        self._note(outcome, time.monotonic() - asked_at)

    def _judge(self, request: AuthRequest, asked_at: float) -> Judgement:
        if time.monotonic() - asked_at > _STALE_SECONDS:  # after a storm of questions, do not lag behind for ever
            return Judgement(Outcome.BUSY, "too many questions at once")
        if not is_id(request.user):
            return Judgement(Outcome.NO_DEVICE_ID, "no device id")
        if request.client_id != request.user:
            why = f"the MQTT client id {request.client_id!r} is not the user name"
            return Judgement(Outcome.CLIENT_ID, why)
        try:
            login = self._logins.find(request.user)
        except StoreError as error:
            return Judgement(Outcome.DATABASE_AWAY, str(error))
        return _judged(login, request.password)


def _judged(login: Login | None, password: str) -> Judgement:
    if login is None:
        return Judgement(Outcome.UNKNOWN, "unknown device, or one without a login")
    if not login.is_active:
        return Judgement(Outcome.REVOKED, "revoked")
    if not login.accepts(password):
        return Judgement(Outcome.PASSWORD, "wrong password")
    return Judgement(Outcome.LET_IN, "")


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
