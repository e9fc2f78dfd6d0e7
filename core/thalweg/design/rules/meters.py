"""Rules on meters: expressions that compile, known units, each definition once."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.draft import Draft
from thalweg.design.expressions import Expression
from thalweg.design.meters import meter_hash
from thalweg.errors import ExpressionError, Problem, UnitError
from thalweg.units import unit


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    first: dict[str, str] = {}
    for path, meter in draft.meters.entries:
        for key, source in (("where", meter.where), ("value", meter.value)):
            if source is not None:
                yield from _compile(f"{path}.{key}", source)
        if len(set(meter.group_by)) < len(meter.group_by):
            yield Problem(f"{path}.group_by", "it names an attribute twice", "name each attribute once")
        yield from unit_known(f"{path}.unit", meter.unit)
        try:
            definition = meter_hash(meter)
        except UnitError:
            continue
        if definition in first:
            yield Problem(
                path, f"it measures the same as {first[definition]!r}", f"use {first[definition]!r} in its place"
            )
        first.setdefault(definition, meter.id)


def unit_known(path: str, symbol: str) -> Iterator[Problem]:
    """A problem at `path` if the registry does not hold the unit."""
    try:
        unit(symbol)
    except UnitError as error:
        message, _, remedy = str(error).partition("; ")
        yield Problem(path, message, remedy)


def _compile(path: str, source: str) -> Iterator[Problem]:
    try:
        Expression(source)
    except ExpressionError as error:
        yield Problem(path, str(error), "write a CEL expression over `attributes` and `quantity`")
