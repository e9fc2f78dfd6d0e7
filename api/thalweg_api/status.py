"""What the service tells those who run it: /healthz (it lives), /readyz (it can answer), /metrics.

None of these asks who is there: they are for the machine's own network, and a proxy in front must not pass them on.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from thalweg import __version__
from thalweg.errors import SetupError, StoreError
from thalweg_api.auth import DatabaseDep
from thalweg_api.observability import ApiMetrics
from thalweg_store.monitoring import check_tables

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """The process serves requests; a database that is away is no reason to start it again."""
    return JSONResponse({"alive": True, "version": __version__})


@router.get("/readyz")
async def readyz(database: DatabaseDep) -> JSONResponse:
    """Whether the database answers and its tables are those of this release; 503 names what is not so."""
    checks = {"database": "ok", "tables": "ok"}
    try:
        await run_in_threadpool(check_tables, database)
    except SetupError as error:
        checks["tables"] = str(error)
    except StoreError as error:
        checks = {"database": str(error), "tables": "not known while the database is away"}
    is_ready = all(outcome == "ok" for outcome in checks.values())
    return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The Prometheus metrics, in text."""
    collected = request.app.state.metrics
    assert isinstance(collected, ApiMetrics)
    body = await run_in_threadpool(generate_latest, collected.registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)
