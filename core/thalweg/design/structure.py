"""Problems of structure: what Pydantic finds, said with the document's own paths and with a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from thalweg.design.agreements import DAYS_PATTERN
from thalweg.design.document import Design
from thalweg.design.fields import ID_PATTERN
from thalweg.design.prices import CLOCK_PATTERN, MOMENT_PATTERN
from thalweg.errors import Problem
from thalweg.money import DECIMAL_PATTERN

#: what a list must not be empty of, by the last key of its path
_PILLARS: Final = {"nodes", "drivers", "exchanges", "extracts"}


def problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps `document` from being read as a Design."""
    try:
        Design.model_validate(document)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            if details["type"] == "too_short" and details["input"]:
                continue  # the list has entries, and each that is invalid is reported by itself
            place = _place(details["loc"], document, missing=details["type"] == "missing")
            yield Problem(_path(place), *_words(details, place))


def _words(details: ErrorDetails, place: list[str | int]) -> tuple[str, str]:
    key, given = place[-1] if place else "", details["input"]
    match details["type"]:
        case "missing" if isinstance(key, int):
            words = "it has too few entries", "write all of them"
        case "missing":
            words = "it is missing", f"add `{key}:`"
        case "extra_forbidden":
            words = f"unknown key {key!r}", _known_keys(place)
        case "enum" | "literal_error":
            words = f"{given!r} is not known here", f"use {details['ctx']['expected']}"
        case "too_short":
            what = "a pillar of the design" if key in _PILLARS else "this list"
            words = f"{what} is empty", f"give `{key}` at least one entry"
        case "string_pattern_mismatch":
            words = f"{given!r} does not have the right form", _form(details["ctx"]["pattern"])
        case "string_type" if isinstance(given, float):
            words = f"{given} is a floating-point number", 'put exact decimal numbers in quotes, such as "0.50"'
        case _:
            words = details["msg"][0].lower() + details["msg"][1:], "correct the value"
    return words


def _form(pattern: str) -> str:
    if pattern == ID_PATTERN:
        return "use 1 to 32 lower-case letters, digits and hyphens"
    if pattern == DECIMAL_PATTERN:
        return 'write a plain decimal number in quotes, such as "0.50"'
    if pattern == CLOCK_PATTERN:
        return 'write a quarter hour of the day, such as "07:15"'
    if pattern == MOMENT_PATTERN:
        return "write a date or a quarter hour, such as 2026-01-01 or 2026-01-01T00:15"
    if pattern == DAYS_PATTERN:
        return "write a number of days, such as P90D"
    return "use a code of ISO 4217 such as EUR"


def _known_keys(place: list[str | int]) -> str:
    model = _model_at(place[:-1])
    if model is None:
        return "remove it or correct its spelling"
    known = sorted(field.alias or name for name, field in model.model_fields.items())
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"remove it; known keys are {', '.join(known)}"


def _model_at(place: list[str | int]) -> type[BaseModel] | None:
    if not place:
        return Design
    if len(place) == 2 and isinstance(place[1], int):
        name = str(place[0])
        sample = Design.model_fields[name].annotation
        return next((kind for kind in getattr(sample, "__args__", ()) if isinstance(kind, type)), None)
    return None


def _place(location: tuple[str | int, ...], document: object, *, missing: bool) -> list[str | int]:
    """`location` without what is no place in the document, such as the name of a union's branch."""
    place: list[str | int] = []
    here: Any = document
    for number, key in enumerate(location):
        if _holds(here, key):
            here = here[key]
            place.append(key)
        elif missing and number == len(location) - 1:
            place.append(key)
    return place


def _holds(here: object, key: str | int) -> bool:
    if isinstance(here, Mapping):
        return key in here
    return isinstance(here, list | tuple) and isinstance(key, int) and key < len(here)


def _path(place: list[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")
