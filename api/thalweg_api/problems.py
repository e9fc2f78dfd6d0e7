"""Errors as RFC 9457 problem details: one table from classes to answers."""

from __future__ import annotations

import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from thalweg.errors import StoreUnavailable, ThalwegError, UnknownEcosystem

_LOG = logging.getLogger(__name__)

#: class → (status, title); the first match counts, so subclasses come first
_TABLE: Final[tuple[tuple[type[ThalwegError], int, str], ...]] = (
    (UnknownEcosystem, 404, "No such ecosystem"),
    (StoreUnavailable, 503, "The database is away"),
    (ThalwegError, 500, "The figures cannot be derived"),
)


class NotSignedInError(Exception):
    """The request carries no valid token."""


class UnknownParticipantError(Exception):
    """The ecosystem has no such participant."""


def problem(status: int, title: str, detail: str, **headers: str) -> JSONResponse:
    """One problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Make `app` answer every error of ours, and FastAPI's own, as a problem."""

    @app.exception_handler(ThalwegError)
    async def ours(request: Request, error: ThalwegError) -> JSONResponse:
        status, title = next((status, title) for kind, status, title in _TABLE if isinstance(error, kind))
        if status >= 500:
            _LOG.warning("%s %s: %s", request.method, request.url.path, error)
        return problem(status, title, str(error))

    @app.exception_handler(NotSignedInError)
    async def not_signed_in(_request: Request, _error: NotSignedInError) -> JSONResponse:
        detail = "Open the sign-in link that was printed at start, or send the token as `Authorization: Bearer …`."
        return problem(401, "Not signed in", detail, **{"WWW-Authenticate": "Bearer"})

    @app.exception_handler(UnknownParticipantError)
    async def unknown_participant(_request: Request, error: UnknownParticipantError) -> JSONResponse:
        return problem(404, "No such participant", f"{error}; the ecosystem's answer lists its participants.")

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        detail = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return problem(422, "The request is not valid", detail)

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), f"{error.status_code} {error.detail}")
