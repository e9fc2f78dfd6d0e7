"""From the text of a document to plain data: YAML without its traps, and JSON, which is YAML too.

Only `true`, `false`, `null` and whole numbers are more than text. So `on` stays a key, `0.50` stays exact decimal
text and never becomes a floating-point number, and a date stays what was written.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final

import yaml

from thalweg.errors import InvalidDesign, Problem

MAX_CHARACTERS: Final = 1_000_000

_SCALARS: Final = {
    "tag:yaml.org,2002:bool": ("true|false", "tf"),
    "tag:yaml.org,2002:null": ("null|~|", ["n", "~", ""]),
    "tag:yaml.org,2002:int": ("0|-?[1-9][0-9]{0,17}", "-0123456789"),
}


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases, which could blow a small text up, tags, which name types, and keys that are given twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as its parent declares it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
        if isinstance(event, yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases (*name) are not allowed", self.get_mark())
        if getattr(event, "tag", None) is not None:
            raise yaml.constructor.ConstructorError(None, None, "tags (!name) are not allowed", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                what = (
                    f"the key {key.value!r} is given twice"
                    if isinstance(key, yaml.ScalarNode)
                    else "a key must be text"
                )
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, (_pattern, _first) in _SCALARS.items():
    _PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def parse(text: str) -> dict[str, Any]:
    """The document's top-level table; raises InvalidDesign if `text` is no YAML or JSON table."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidDesign(
            [Problem("", f"more than {MAX_CHARACTERS:,} characters", "split the design or shorten its texts")]
        )
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader with fewer types
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidDesign(
            [Problem("", f"no valid YAML or JSON: {_place(error)}", "correct the text there")]
        ) from None
    if not isinstance(document, dict):
        raise InvalidDesign([Problem("", "no table of keys", "begin with `id:`, `name:` and the other top-level keys")])
    return document


def _place(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
