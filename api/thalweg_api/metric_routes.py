"""Routes about metrics: the catalogue, the fast group, the analyses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from thalweg.metrics import CATALOGUE, Group
from thalweg_api.analyses import Analyses
from thalweg_api.auth import AccessDep, DatabaseDep
from thalweg_api.choosing import ChoiceDep
from thalweg_api.figures import utc_now
from thalweg_api.metric_schemas import AnalysesAnswer, MetricInfo, MetricsAnswer
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


@router.get("/ecosystems/{ecosystem}/metrics", responses=NOT_ANSWERED)
async def metrics(
    question: QuestionDep,
    choice: ChoiceDep,
    database: DatabaseDep,
    previous: Annotated[bool, Query(description="also give each figure of the window of equal length before")] = False,
) -> MetricsAnswer:
    """Metrics of the fast group, computed for this request."""
    choice.check(Group.FAST, "analyses")
    answer = await run_in_threadpool(metrics_of, database, question, utc_now(), with_previous=previous)
    readings = choice.readings(answer.readings, answer.currency, Group.FAST)
    return answer.model_copy(update={"readings": readings})


@router.get("/ecosystems/{ecosystem}/analyses", responses=NOT_ANSWERED)
async def analyses(
    request: Request,
    question: QuestionDep,
    choice: ChoiceDep,
    against: Annotated[int | None, Query(description="design version to compare with (m38, m39)")] = None,
) -> AnalysesAnswer:
    """Metrics of the analysis group. The first to ask waits; after that, the last answer is given while a newer one is
    computed: `as_of.computed_at` and `is_current` say so."""
    choice.check(Group.ANALYSIS, "metrics")
    kept = request.app.state.analyses
    assert isinstance(kept, Analyses)
    answer = await kept.answer(question._replace(against=against))
    readings = choice.readings(answer.readings, answer.currency, Group.ANALYSIS)
    return answer.model_copy(update={"readings": readings})
