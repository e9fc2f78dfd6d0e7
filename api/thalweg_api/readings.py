"""From a question to its answer: the fast group at once, the analyses for whoever keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from thalweg.design import content_hash
from thalweg.design.exchanges import Exchange, Valuation
from thalweg.design.forest import Forest
from thalweg.errors import SetupError
from thalweg.metrics import METRICS, Level, Reading, Unit, analyses, candidates, fast_group
from thalweg_api import metric_schemas as schemas
from thalweg_api.analyses import Analysis, State
from thalweg_api.evidence import (
    MOST_WINDOWS,
    alternative_of,
    analysed_before_of,
    arrivals_of,
    before_of,
    evidence_of,
    history_of,
)
from thalweg_api.plans import design_of
from thalweg_api.problems import QuestionError
from thalweg_api.questions import Question
from thalweg_api.schemas import AsOf, DesignRef
from thalweg_api.study import Study
from thalweg_api.unrated import without_agreement, without_price
from thalweg_store.database import Database
from thalweg_store.designs import DesignVersion, design_version
from thalweg_store.evidence_reading import evidence_reading
from thalweg_store.reading import Watermark

_Values = Mapping[tuple[str, Level, tuple[str, ...]], Decimal | None]
_NONE_BEFORE: Final[_Values] = {}


def metrics_of(database: Database, question: Question, now: datetime) -> schemas.MetricsAnswer:
    """The fast group as of `now`; raises UnknownEcosystem, QuestionError, and OutsideCoverage."""
    with evidence_reading(database, question.ecosystem) as reading:
        study = Study(reading, question, now)
        measured = study.measured(study.interval)
        evidence = evidence_of(study, measured.quantities)
        figures = study.figures(study.interval, evidence, measured=measured)
        before = before_of(study) if question.previous else None
    names, besides = study.names, _nodes_without_flow(study)
    earlier = _values(fast_group(before, besides)) if before else _NONE_BEFORE
    readings = _readings(study, fast_group(figures, besides), earlier)
    return schemas.MetricsAnswer(
        as_of=_as_of(study.watermark, now),
        design=_design(study),
        currency=figures.currency,
        window=_window(study),
        zoom=question.zoom,
        readings=readings,
        names=names.of(readings, question.zoom),
        unrated=[*without_price(names, measured.flows), *without_agreement(names, measured.flows)],
        estimates=_estimates(study),
    )


def analysis_of(database: Database, question: Question, now: datetime) -> Analysis:
    """The analyses as of `now`, with what they follow from; raises likewise."""
    other = _other(database, question)
    with evidence_reading(database, question.ecosystem) as reading:
        study = Study(reading, question, now)
        measured = study.measured(study.interval)
        past = history_of(study, MOST_WINDOWS if question.previous else MOST_WINDOWS - 1)
        evidence = replace(
            evidence_of(study, measured.quantities),
            arrivals=arrivals_of(study, study.interval),
            history=past[-MOST_WINDOWS + 1 :],
            alternative=alternative_of(study, other) if other else None,
        )
        figures = study.figures(study.interval, evidence, measured=measured)
        before = analysed_before_of(study, past[:-1], other) if question.previous else None
    besides = _nodes_without_flow(study)
    earlier = _values(analyses(before, besides)) if before else _NONE_BEFORE
    readings = _readings(study, analyses(figures, besides), earlier)
    answer = schemas.AnalysesAnswer(
        as_of=_as_of(study.watermark, now),
        is_current=True,
        is_computing=False,
        design=_design(study),
        currency=figures.currency,
        window=_window(study),
        windows=len(evidence.history) + 1,
        against=_version(other) if other else None,
        zoom=question.zoom,
        readings=readings,
        names=study.names.of(readings, question.zoom),
        candidates=[schemas.Candidate(**asdict(each)) for each in candidates(evidence.clusters or ())],
    )
    return Analysis(_state(study), answer)


def state_of(database: Database, question: Question, now: datetime) -> State:
    """What the analyses would follow from at `now`; raises UnknownEcosystem, and QuestionError."""
    with evidence_reading(database, question.ecosystem) as reading:
        return _state(Study(reading, question, now))


def _state(study: Study) -> State:
    watermark = study.watermark
    return State(_hash(study.about.design_document), watermark.commit, watermark.changes, study.interval)


@lru_cache(maxsize=64)
def _hash(document: str) -> str:
    return content_hash(design_of(document))


def _other(database: Database, question: Question) -> DesignVersion | None:
    if question.against is None:
        return None
    try:
        return design_version(database, question.ecosystem, question.against)
    except SetupError as error:
        raise QuestionError(f"`against`: {error}.") from error


def _values(readings: Iterable[Reading]) -> _Values:
    return {each[:3]: each.value.value for each in readings}


def _readings(study: Study, readings: Iterable[Reading], earlier: _Values) -> list[schemas.MetricReading]:
    """Of an extract, only what can be asked of one."""
    extract = study.question.extract
    found = []
    for each in readings:
        metric, level, of = METRICS[each.metric], each.level, each.of
        if extract is not None and level is Level.DESIGN:
            if Level.EXTRACT not in metric.levels:
                continue
            level, of = Level.EXTRACT, (extract,)
        found.append(
            schemas.MetricReading(
                metric=each.metric,
                level=level,
                of=list(of),
                value=each.value.value,
                unit=study.subject.design.currency if metric.unit is Unit.MONEY else metric.unit,
                reason=each.value.reason,
                previous=earlier.get(each[:3]),
            )
        )
    return found


def _nodes_without_flow(study: Study) -> set[str]:
    """The nodes that belong to the ecosystem whether they take part in the window or not."""
    design, question = study.subject.design, study.question
    if question.extract is not None:
        return set()
    if question.zoom is schemas.Zoom.ROLE:
        forest = Forest(design.nodes)
        outside = {leaf for node in design.boundary.outside for leaf in forest.leaves_of(node)}
        return {node for leaf, node in forest.cut(question.cut).items() if leaf not in outside}
    fixed = {node.participant for node in design.nodes if node.participant is not None}
    assigned = {participant for roles in study.assignments.values() for participant in roles.values()}
    return fixed | assigned | set(study.about.participants)


def _estimates(study: Study) -> list[schemas.Estimate]:
    return [
        _estimate(exchange, side, valuation)
        for exchange in study.subject.design.exchanges
        for side, valuation in (("giver", exchange.v_from), ("receiver", exchange.v_to))
        if valuation is not None
    ]


def _estimate(exchange: Exchange, side: str, valuation: Valuation) -> schemas.Estimate:
    return schemas.Estimate(
        exchange=exchange.id,
        name=exchange.name,
        side=side,
        amount=Decimal(valuation.amount),
        method=valuation.method,
        confidence=valuation.confidence,
    )


def _as_of(watermark: Watermark, now: datetime) -> AsOf:
    return AsOf(commit=watermark.commit, changes=watermark.changes, at=watermark.at, computed_at=now)


def _window(study: Study) -> schemas.MetricsWindow:
    return schemas.MetricsWindow(name=study.question.window, start=study.interval.start, end=study.interval.end)


def _design(study: Study) -> DesignRef:
    design = study.subject.design
    version, document = study.about.design_version, study.about.design_document
    return DesignRef(id=design.id, version=version, hash=_hash(document), name=design.name)


def _version(other: DesignVersion) -> DesignRef:
    design = design_of(other.document)
    return DesignRef(id=design.id, version=other.version, hash=other.hash, name=design.name)
