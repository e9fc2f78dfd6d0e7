"""Errors as RFC 9457 problem details: one table from classes to answers."""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from thalweg.errors import OutsideCoverage, StoreUnavailable, ThalwegError, UnknownEcosystem
from thalweg_api.problem_schemas import NotMeasured, Problem

_LOG = logging.getLogger(__name__)

#: class → (status, title); the first match counts, so subclasses come first
_TABLE: Final[tuple[tuple[type[ThalwegError], int, str], ...]] = (
    (UnknownEcosystem, 404, "No such ecosystem"),
    (StoreUnavailable, 503, "The database is away"),
    (ThalwegError, 500, "The figures cannot be derived"),
)


class NotSignedInError(Exception):
    """The request carries no valid token."""


class BusyError(Exception):
    """So much is being computed already that nothing is begun."""


class QuestionError(Exception):
    """What is asked contradicts itself, or asks for something that the design does not have; says what to do."""


class UnknownParticipantError(Exception):
    """The ecosystem has no such participant."""


#: what an operation's description says of requests that cannot be answered as they are
NOT_ANSWERED: Final[dict[int | str, dict[str, Any]]] = {
    422: {
        "description": "The request is not valid, or asks for a time that was not measured whole",
        "content": {"application/problem+json": {}},
        "model": NotMeasured | Problem,
    }
}


def problem(status: int, title: str, detail: str, **headers: str) -> JSONResponse:
    """One problem document."""
    return _answer(Problem(status=status, title=title, detail=detail), headers)


def _answer(document: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    body = document.model_dump(mode="json")
    return JSONResponse(body, document.status, headers=headers, media_type="application/problem+json")


def _not_measured(error: OutsideCoverage) -> JSONResponse:
    if error.start is None:
        detail = f"Meter {error.meter!r} has not measured anything here: activate the design again."
    else:
        since = f"{error.start:%Y-%m-%d %H:%M} UTC"
        detail = (
            f"Meter {error.meter!r} measures since {since}, which is after the beginning of this window: "
            'ask for the window "all", which begins then, or for a shorter one.'
        )
    document = NotMeasured(
        status=422, title="Not measured for so long", detail=detail, meter=error.meter, measured_since=error.start
    )
    return _answer(document)


def install(app: FastAPI) -> None:
    """Make `app` answer every error of ours, and FastAPI's own, as a problem."""

    @app.exception_handler(ThalwegError)
    async def ours(request: Request, error: ThalwegError) -> JSONResponse:
        status, title = next((status, title) for kind, status, title in _TABLE if isinstance(error, kind))
        if status >= 500:
            _LOG.warning("%s %s: %s", request.method, request.url.path, error)
        return problem(status, title, str(error))

    @app.exception_handler(OutsideCoverage)
    async def not_measured(_request: Request, error: OutsideCoverage) -> JSONResponse:
        return _not_measured(error)

    @app.exception_handler(NotSignedInError)
    async def not_signed_in(_request: Request, _error: NotSignedInError) -> JSONResponse:
        detail = "Open the sign-in link that was printed at start, or send the token as `Authorization: Bearer …`."
        return problem(401, "Not signed in", detail, **{"WWW-Authenticate": "Bearer"})

    @app.exception_handler(UnknownParticipantError)
    async def unknown_participant(_request: Request, error: UnknownParticipantError) -> JSONResponse:
        return problem(404, "No such participant", f"{error}; the ecosystem's answer lists its participants.")

    @app.exception_handler(BusyError)
    async def busy(_request: Request, _error: BusyError) -> JSONResponse:
        detail = "Other analyses are being computed, as many as may wait: ask again in a few seconds."
        return problem(503, "Too many analyses at once", detail, **{"Retry-After": "10"})

    @app.exception_handler(QuestionError)
    async def unanswerable(_request: Request, error: QuestionError) -> JSONResponse:
        return problem(422, "Cannot be answered as it is asked", str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        detail = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return problem(422, "The request is not valid", detail)

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), f"{error.status_code} {error.detail}")
