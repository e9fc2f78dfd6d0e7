"""Which of an answer's readings are wanted: of which metrics, at which level, of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, NamedTuple, TypeVar

from fastapi import Depends, Query

from thalweg.metrics import CATALOGUE, Group, Level, Metric, Reason, Unit
from thalweg_api.metric_schemas import MetricReading, ReadingsAnswer
from thalweg_api.problems import QuestionError

_PAIR: Final = 2

Answer = TypeVar("Answer", bound=ReadingsAnswer)
#: level → id → name
Names = Mapping[Level, Mapping[str, str]]


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

    def of_answer(self, answer: Answer, group: Group) -> Answer:
        """The answer with those of its readings that are wanted; for two nodes without any flow, that there is none.

        Raises QuestionError where nothing has all the names of `of`.
        """
        if not any(self):
            return answer
        chosen = [each for each in answer.readings if self._is_chosen(each)]
        if not chosen and self.of:
            chosen = self._nothing(answer, group)
        return answer.model_copy(update={"readings": chosen, "names": _names_of(chosen, answer.names)})

    def _is_chosen(self, reading: MetricReading) -> bool:
        at_level = self.level in (None, reading.level)
        return at_level and self._is_of_metric(reading.metric) and self.of <= set(reading.of)

    def _nothing(self, answer: Answer, group: Group) -> list[MetricReading]:
        """What there is to say where no reading is of all names; raises QuestionError for a name that nothing has."""
        nodes = set(answer.names.get(Level.NODE, {}))
        known = nodes if self.level is Level.PAIR else self._known(answer)
        if unknown := self.of - known:
            where = f"at the level {self.level.value!r}" if self.level else "at any level"
            raise QuestionError(f"Nothing is known of {', '.join(sorted(map(repr, unknown)))} {where} in this window.")
        may_be_pair = self.level in (None, Level.PAIR) and len(self.of) == _PAIR and self.of <= nodes
        return self._no_flow(answer.currency, group) if may_be_pair else []

    def _known(self, answer: Answer) -> set[str]:
        """The ids that are known at the level that is asked for."""
        return {each for level, names in answer.names.items() if self.level in (None, level) for each in names}

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


def _names_of(readings: Iterable[MetricReading], known: Names) -> Names:
    """The names of what `readings` are of; a pair without any flow is known as two nodes."""
    found: dict[Level, dict[str, str]] = {}
    for level, each in ((reading.level, each) for reading in readings for each in reading.of):
        found.setdefault(level, {})[each] = known[Level.NODE if level is Level.PAIR else level][each]
    return found


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
