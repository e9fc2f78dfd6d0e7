"""Which of an answer's readings are wanted: of which metrics, at which level, of what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query

from thalweg.metrics import CATALOGUE, Group, Level, Metric, Reason, Unit
from thalweg_api.metric_schemas import MetricReading
from thalweg_api.problems import QuestionError

_PAIR: Final = 2


class Choice(NamedTuple):
    """What is wanted; empty is everything."""

    #: ids of the catalogue; one without a dot stands for its other readings too
    metrics: frozenset[str]
    level: Level | None
    of: frozenset[str]

    def check(self, group: Group, other: str) -> None:
        """Raise QuestionError for metrics that are in the other group, which the route `other` answers."""
        for metric in sorted(self.metrics):
            if all(row.group is not group for row in _rows(metric)):
                raise QuestionError(f"{metric!r} belongs to the other group: ask `{other}` for it.")

    def readings(self, readings: Iterable[MetricReading], currency: str, group: Group) -> list[MetricReading]:
        """Those of `readings` that are wanted; for two nodes without any flow, that there is none.

        Raises QuestionError where nothing has all the names of `of`.
        """
        at_level = [each for each in readings if self.level in (None, each.level)]
        chosen = [each for each in at_level if self._is_of_metric(each.metric) and self.of <= set(each.of)]
        if chosen or not self.of:
            return chosen
        places = readings if self.level in (None, Level.PAIR) else at_level
        if unknown := self.of - {name for each in places for name in each.of}:
            where = f"at the level {self.level.value!r}" if self.level else "at any level"
            raise QuestionError(f"Nothing is known of {', '.join(sorted(map(repr, unknown)))} {where} in this window.")
        return self._no_flow(currency, group) if len(self.of) == _PAIR and self.level in (None, Level.PAIR) else []

    def _no_flow(self, currency: str, group: Group) -> list[MetricReading]:
        return [
            MetricReading(
                metric=metric.id,
                level=Level.PAIR,
                of=sorted(self.of),
                value=None,
                unit=currency if metric.unit is Unit.MONEY else metric.unit,
                reason=Reason.NO_FLOW,
                previous=None,
            )
            for metric in CATALOGUE
            if Level.PAIR in metric.levels and metric.group is group and self._is_of_metric(metric.id)
        ]

    def _is_of_metric(self, metric: str) -> bool:
        return not self.metrics or metric in self.metrics or metric.partition(".")[0] in self.metrics


def _rows(metric: str) -> list[Metric]:
    """The rows of the catalogue that a name stands for."""
    return [row for row in CATALOGUE if metric in (row.id, row.id.partition(".")[0])]


async def choice(
    metric: Annotated[
        list[str], Query(description="id in the catalogue; m20 stands for m20.all too; by default all")
    ] = [],  # noqa: B006 - FastAPI copies it
    level: Annotated[Level | None, Query(description="what the readings are of; by default any")] = None,
    of: Annotated[
        list[str], Query(description="id of a participant, role, exchange, driver, …; twice for a pair")
    ] = [],  # noqa: B006 - FastAPI copies it
) -> Choice:
    """The choice in a request's query; raises QuestionError for a metric that is not in the catalogue."""
    for each in metric:
        if not _rows(each):
            raise QuestionError(f"There is no metric {each!r}: /api/v1/metrics lists all.")
    return Choice(frozenset(metric), level, frozenset(of))


ChoiceDep = Annotated[Choice, Depends(choice)]
