"""Metrics and analyses as CSV: the same readings as the JSON answers, with the names of all that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from thalweg.metrics import METRICS
from thalweg_api.csv_tables import Table, csv_of
from thalweg_api.metric_schemas import AnalysesAnswer, MetricsAnswer, ReadingsAnswer

_STATE: Final = (
    "as_of_commit", "as_of", "computed_at", "window", "start", "end", "zoom", "design", "design_version",
)  # fmt: skip
_READINGS: Final = ("metric", "name", "level", "of", "value", "unit", "reason", "previous", "of_ids")
_UNRATED: Final = (
    "exchange", "from", "to", "why", "amount", "unit", "occurrences", "exchange_id", "from_id", "to_id",
)  # fmt: skip
_ESTIMATES: Final = ("exchange", "side", "amount", "method", "confidence", "exchange_id")
_CANDIDATES: Final = ("shape", "events", "quarters", "first_seen", "last_seen")
#: between the names of a pair or a loop
_BETWEEN: Final = "; "


def metrics_csv(answer: MetricsAnswer) -> str:
    """Four tables: the state, the readings, what is unrated, the estimates."""
    return csv_of(
        Table(_STATE, [_state(answer)]),
        _readings(answer),
        Table(
            _UNRATED,
            [
                (
                    each.name, each.source_name, each.target_name, each.why, each.amount, each.unit, each.occurrences,
                    each.exchange, each.source, each.target,
                )
                for each in answer.unrated
            ],
        ),
        Table(
            _ESTIMATES,
            [
                (each.name, each.side, each.amount, each.method, each.confidence, each.exchange)
                for each in answer.estimates
            ],
        ),
    )  # fmt: skip


def analyses_csv(answer: AnalysesAnswer) -> str:
    """Three tables: the state, the readings, the candidates."""
    against = None if answer.against is None else answer.against.version
    state = (*_state(answer), answer.is_current, answer.is_computing, answer.windows, against)
    return csv_of(
        Table((*_STATE, "is_current", "is_computing", "windows", "against_version"), [state]),
        _readings(answer),
        Table(
            _CANDIDATES,
            [(each.shape, each.events, each.quarters, each.first_seen, each.last_seen) for each in answer.candidates],
        ),
    )


def _state(answer: ReadingsAnswer) -> Sequence[object]:
    as_of, window, design = answer.as_of, answer.window, answer.design
    return (
        as_of.commit, as_of.at, as_of.computed_at, window.name, window.start, window.end,
        answer.zoom, design.name, design.version,
    )  # fmt: skip


def _readings(answer: ReadingsAnswer) -> Table:
    names = answer.names
    return Table(
        _READINGS,
        [
            (
                each.metric, METRICS[each.metric].name, each.level,
                _BETWEEN.join(names[each.level][name] for name in each.of),
                each.value, each.unit, each.reason, each.previous, _BETWEEN.join(each.of),
            )
            for each in answer.readings
        ],
    )  # fmt: skip
