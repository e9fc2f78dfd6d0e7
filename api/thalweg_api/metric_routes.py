"""Routes about metrics: the catalogue, the fast group, the analyses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from thalweg.metrics import CATALOGUE, Group
from thalweg_api.analyses import Analyses
from thalweg_api.auth import AccessDep, DatabaseDep, EcosystemDep
from thalweg_api.choosing import ChoiceDep
from thalweg_api.figures import utc_now
from thalweg_api.metric_export import analyses_csv, metrics_csv
from thalweg_api.metric_schemas import AnalysesAnswer, MetricInfo, MetricsAnswer, ReadingsAnswer
from thalweg_api.problems import NOT_ANSWERED
from thalweg_api.questions import QuestionDep
from thalweg_api.readings import metrics_of

router = APIRouter(prefix="/api/v1")


@router.get("/metrics")
async def catalogue(_access: AccessDep) -> list[MetricInfo]:
    """The metric catalogue."""
    return [
        MetricInfo(
            id=metric.id,
            name=metric.name,
            formula=metric.formula,
            unit=metric.unit,
            group=metric.group,
            levels=list(metric.levels),
            explanation=metric.explanation,
            basis=metric.basis,
            direction=metric.better,
            source=metric.source,
        )
        for metric in CATALOGUE
    ]


async def _metrics(question: QuestionDep, choice: ChoiceDep, database: DatabaseDep) -> MetricsAnswer:
    choice.check(Group.FAST, "analyses")
    return choice.of_answer(await run_in_threadpool(metrics_of, database, question, utc_now()), Group.FAST)


async def _analyses(
    request: Request,
    question: QuestionDep,
    choice: ChoiceDep,
    against: Annotated[int | None, Query(description="design version to compare with (m38, m39)")] = None,
) -> AnalysesAnswer:
    choice.check(Group.ANALYSIS, "metrics")
    kept = request.app.state.analyses
    assert isinstance(kept, Analyses)
    return choice.of_answer(await kept.answer(question._replace(against=against)), Group.ANALYSIS)


MetricsDep = Annotated[MetricsAnswer, Depends(_metrics)]
AnalysesDep = Annotated[AnalysesAnswer, Depends(_analyses)]


@router.get("/ecosystems/{ecosystem}/metrics", responses=NOT_ANSWERED)
async def metrics(answer: MetricsDep) -> MetricsAnswer:
    """Metrics of the fast group, computed for this request."""
    return answer


@router.get("/ecosystems/{ecosystem}/metrics.csv", response_class=Response, responses=NOT_ANSWERED)
async def metrics_as_csv(answer: MetricsDep, ecosystem: EcosystemDep) -> Response:
    """The same as CSV: the state, the readings, what is unrated, the estimates."""
    return _download(metrics_csv(answer), f"{ecosystem}-metrics", answer)


@router.get("/ecosystems/{ecosystem}/analyses", responses=NOT_ANSWERED)
async def analyses(answer: AnalysesDep) -> AnalysesAnswer:
    """Metrics of the analysis group. The first to ask waits; after that, the last answer is given while a newer one is
    computed: `as_of.computed_at`, `is_current` and `is_computing` say so."""
    return answer


@router.get("/ecosystems/{ecosystem}/analyses.csv", response_class=Response, responses=NOT_ANSWERED)
async def analyses_as_csv(answer: AnalysesDep, ecosystem: EcosystemDep) -> Response:
    """The same as CSV: the state, the readings, the candidates."""
    return _download(analyses_csv(answer), f"{ecosystem}-analyses", answer)


def _download(body: str, name: str, answer: ReadingsAnswer) -> Response:
    """A file whose name says the zoom level and the window."""
    window = answer.window
    span = window.name or f"{window.start:%Y%m%dT%H%M}-{window.end:%Y%m%dT%H%M}"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{answer.zoom}-{span}.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
