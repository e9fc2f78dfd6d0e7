"""Who asks: a token in a cookie (set by the sign-in link) or in the Authorization header."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from thalweg.errors import UnknownEcosystem
from thalweg_api.problems import NotSignedInError
from thalweg_store.access import Access, check_token
from thalweg_store.database import Database

COOKIE: Final = "thalweg_token"
_SCHEME: Final = "bearer "

router = APIRouter()


def database(request: Request) -> Database:
    """The application's database."""
    found = request.app.state.database
    assert isinstance(found, Database)
    return found


DatabaseDep = Annotated[Database, Depends(database)]


async def signed_in(request: Request, store: DatabaseDep) -> Access:
    """What the caller may do; raises NotSignedInError."""
    header = request.headers.get("authorization", "")
    bearer = header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else None
    token = bearer or request.cookies.get(COOKIE)
    access = await run_in_threadpool(check_token, store, token, datetime.now(UTC)) if token else None
    if access is None:
        raise NotSignedInError
    return access


AccessDep = Annotated[Access, Depends(signed_in)]


async def own_ecosystem(ecosystem: str, access: AccessDep) -> str:
    """The ecosystem of the path, when the caller may read it; another's existence is not revealed."""
    if ecosystem != access.ecosystem:
        raise UnknownEcosystem(ecosystem)
    return ecosystem


EcosystemDep = Annotated[str, Depends(own_ecosystem)]


@router.get("/signin", include_in_schema=False)
async def sign_in(token: str, request: Request, store: DatabaseDep) -> Response:
    """Exchange the link's token for a cookie and go to the dashboards."""
    access = await run_in_threadpool(check_token, store, token, datetime.now(UTC))
    if access is None and "text/html" not in request.headers.get("accept", ""):
        raise NotSignedInError
    response = RedirectResponse("/", status_code=303)  # without the cookie, the page itself says what to do
    if access is None:
        response.delete_cookie(COOKIE)
        return response
    response.set_cookie(
        COOKIE,
        token,
        expires=access.expires_at,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response
