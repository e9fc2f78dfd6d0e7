"""JSON objects from strangers: what JSON can write and a store cannot keep as it is gets no further than here."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from thalweg.errors import MalformedMessage

#: objects and arrays within each other
MAX_DEPTH: Final = 32
#: a string, ended or not, or a bracket; never goes back, so that no text makes it slow
_MARK: Final = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[\[\]{}]', re.DOTALL)

_UNKEEPABLE: Final = re.compile("[\0\ud800-\udfff]")


def read_object(text: bytes) -> dict[str, Any]:
    """The object that `text`, JSON in UTF-8, stands for.

    Raises MalformedMessage for anything else, and for NUL, half a surrogate pair, a number that is not finite, or
    nesting beyond `MAX_DEPTH`.
    """
    try:
        words = text.decode()
        check_depth(words)  # before the parser, which gives up where the caller's stack happens to end
        body = json.loads(words)
    except ValueError:
        raise MalformedMessage("the text before the authentication code is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise MalformedMessage("the text before the authentication code is no JSON object")
    check_values(body)
    return body


def check_depth(words: str) -> None:
    """Raise MalformedMessage for JSON that is nested beyond `MAX_DEPTH`."""
    depth = 0
    for mark in _MARK.findall(words):
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise MalformedMessage(f"the text is nested deeper than {MAX_DEPTH} levels")


def check_values(body: object) -> None:
    """Raise MalformedMessage where a string anywhere in `body` holds what no store keeps, or a number is not finite."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str):
            if _UNKEEPABLE.search(value):
                raise MalformedMessage("a string of the text holds NUL or half a surrogate pair")
        elif isinstance(value, float) and not math.isfinite(value):
            raise MalformedMessage("a number of the text is not finite")
