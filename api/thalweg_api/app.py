"""The application: routes, live hub, dashboards, headers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thalweg import __version__
from thalweg_api import auth, design_routes, metric_routes, problems, routes, status
from thalweg_api.analyses import Analyses
from thalweg_api.figures import utc_now
from thalweg_api.observability import ApiMetrics, RequestTimes
from thalweg_api.readings import analysis_of, state_of
from thalweg_api.stream import LiveHub
from thalweg_store.database import Database
from thalweg_store.reading import watermark

DASHBOARDS: Final = Path(__file__).parent / "dashboards"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(database: Database, dashboards: Path = DASHBOARDS) -> FastAPI:
    """The service on `database`, which it does not close; `dashboards` is the folder of the built web application."""
    app = FastAPI(
        title="Thalweg", version=__version__, lifespan=_lifespan, docs_url="/api/docs", openapi_url="/api/openapi.json"
    )
    app.state.database = database
    app.state.hub = LiveHub(lambda: watermark(database), partial(routes.compute_overview, database))
    app.state.analyses = Analyses(
        lambda question: state_of(database, question, utc_now()),
        lambda question: analysis_of(database, question, utc_now()),
    )
    app.include_router(auth.router)
    app.include_router(routes.router)
    app.include_router(metric_routes.router)
    app.include_router(design_routes.router)
    app.include_router(status.router)
    problems.install(app)
    app.add_middleware(SafeHeaders)
    app.state.metrics = ApiMetrics(database, app.state.hub)
    app.add_middleware(RequestTimes, metrics=app.state.metrics)
    if dashboards.is_dir():
        app.mount("/", StaticFiles(directory=dashboards, html=True), name="dashboards")
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    live = asyncio.create_task(app.state.hub.run(), name="live hub")
    yield
    app.state.analyses.close()
    live.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await live


class SafeHeaders:
    """Adds the security headers to every answer, streams included, without buffering any."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        is_page = scope["type"] == "http" and not scope["path"].startswith("/api/docs")
        await self._app(scope, receive, send_with_headers if is_page else send)
