"""The interface under `/api/v1`: reading only."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from thalweg.design import content_hash
from thalweg_api import schemas
from thalweg_api.accounting import accounting_of
from thalweg_api.auth import AccessDep, DatabaseDep, EcosystemDep
from thalweg_api.export import overview_csv
from thalweg_api.figures import Facts, facts_of, utc_now
from thalweg_api.overview import overview_of, participants_of
from thalweg_api.problems import NOT_ANSWERED
from thalweg_api.stream import LiveHub, TopicKey
from thalweg_store.database import Database
from thalweg_store.reading import reading
from thalweg_store.register import Ecosystem

router = APIRouter(prefix="/api/v1")

WindowQuery = Annotated[schemas.WindowName, Query(description="window of event time that ends now")]
ViewQuery = Annotated[str | None, Query(description="participant to view as; absent: the whole ecosystem")]


@router.get("/session")
async def session(access: AccessDep, database: DatabaseDep) -> schemas.Session:
    """Who is signed in, and what they may read."""
    about = await run_in_threadpool(_about, database, access.ecosystem)
    return schemas.Session(
        viewer=access.name, ecosystems=[schemas.EcosystemName(id=about.id, name=about.name)]
    )  # fmt: skip


@router.get("/ecosystems/{ecosystem}")
async def ecosystem_info(ecosystem: EcosystemDep, access: AccessDep, database: DatabaseDep) -> schemas.EcosystemInfo:
    """Names, currency, design and participants of an ecosystem."""
    facts = await run_in_threadpool(_facts, database, ecosystem, schemas.WindowName.ALL)
    about, design = facts.ecosystem, facts.design
    return schemas.EcosystemInfo(
        id=about.id,
        name=about.name,
        currency=design.currency,
        design=schemas.DesignRef(
            id=design.id, version=about.design_version, hash=content_hash(design), name=design.name
        ),
        participants=[
            schemas.Participant(id=each, name=facts.names.participant(each), roles=roles)
            for each, roles in participants_of(facts).items()
        ],
        viewer=access.name,
    )


@router.get("/ecosystems/{ecosystem}/overview", responses=NOT_ANSWERED)
async def overview(
    request: Request,
    response: Response,
    ecosystem: EcosystemDep,
    database: DatabaseDep,
    window: WindowQuery = schemas.WindowName.DAY,
    view: ViewQuery = None,
) -> schemas.Overview:
    """Everything on the first page, from one committed state. Send `If-None-Match` to learn cheaply of no change."""
    answer = await run_in_threadpool(compute_overview, database, TopicKey(ecosystem, window, view))
    tag = _tag(answer)
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag})  # type: ignore[return-value]  # FastAPI passes it on
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return answer


@router.get("/ecosystems/{ecosystem}/overview.csv", response_class=Response, responses=NOT_ANSWERED)
async def overview_as_csv(
    ecosystem: EcosystemDep,
    database: DatabaseDep,
    window: WindowQuery = schemas.WindowName.DAY,
    view: ViewQuery = None,
) -> Response:
    """The overview's flows and shares as CSV, with the same filters and the same state."""
    answer = await run_in_threadpool(compute_overview, database, TopicKey(ecosystem, window, view))
    name = f"{ecosystem}-{view or 'all'}-{window}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": _tag(answer)}
    return Response(overview_csv(answer), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/ecosystems/{ecosystem}/accounting")
async def accounting(ecosystem: EcosystemDep, database: DatabaseDep) -> schemas.Accounting:
    """What became of every event since the beginning, and the money that follows from it."""
    return await run_in_threadpool(accounting_of, database, ecosystem, utc_now())


@router.get("/ecosystems/{ecosystem}/stream", response_class=StreamingResponse, responses=NOT_ANSWERED)
async def stream(
    request: Request,
    ecosystem: EcosystemDep,
    database: DatabaseDep,
    window: WindowQuery = schemas.WindowName.DAY,
    view: ViewQuery = None,
) -> StreamingResponse:
    """Server-sent events: a complete overview whenever something was committed, at most one a second."""
    key = TopicKey(ecosystem, window, view)
    await run_in_threadpool(compute_overview, database, key)  # errors are answered, not streamed
    hub = request.app.state.hub
    assert isinstance(hub, LiveHub)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(hub.frames(key), media_type="text/event-stream", headers=headers)


def compute_overview(database: Database, key: TopicKey) -> schemas.Overview:
    """The overview of a topic, as of now; raises UnknownEcosystem, UnknownParticipantError and OutsideCoverage."""
    return overview_of(_facts(database, key.ecosystem, key.window), key.view)


def _facts(database: Database, ecosystem: str, window: schemas.WindowName) -> Facts:
    return facts_of(database, ecosystem, window, utc_now())


def _about(database: Database, ecosystem: str) -> Ecosystem:
    with reading(database, ecosystem) as facts:
        return facts.ecosystem()


def _tag(answer: schemas.Overview) -> str:
    """Changes with every commit and change, and each minute, since delays and silence grow without either."""
    minute: datetime = answer.as_of.computed_at.replace(second=0, microsecond=0)
    parts = (answer.as_of.commit, answer.as_of.changes, minute.isoformat(), answer.window.name, answer.view)
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:20]}"'
