"""The one door into a design: every problem of a document at once, or the design."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from thalweg.design.document import Design
from thalweg.design.draft import draft_of
from thalweg.design.rules import agreements, chains, exchanges, meters, nodes, pillars, tariffs, whole
from thalweg.design.structure import problems as structure_problems
from thalweg.design.text import parse
from thalweg.errors import InvalidDesign, Problem

_RULES: Final = (whole, nodes, pillars, meters, exchanges, chains, tariffs, agreements)
_NUMBERS: Final = re.compile(r"(\d+)")


def validate(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """All that is wrong with a document of plain data, ordered by path; empty for a sound design."""
    draft = draft_of(document)
    found = list(structure_problems(document))
    for rule in _RULES:
        found += rule.problems(draft)
    return tuple(sorted(set(found), key=_by_path))


def load(text: str) -> Design:
    """The design that the YAML or JSON `text` describes; raises InvalidDesign with every problem."""
    return from_document(parse(text))


def from_document(document: Mapping[str, Any]) -> Design:
    """The design that plain data describes; raises InvalidDesign with every problem."""
    if problems := validate(document):
        raise InvalidDesign(problems)
    return Design.model_validate(document)


def _by_path(problem: Problem) -> tuple[list[str | tuple[int, ...]], str]:
    parts = _NUMBERS.split(problem.path)
    return [f"{int(part):06d}" if part.isdigit() else part for part in parts], problem.message
