"""What changed from one design to another, by pillar: what was added and removed, and every field from what to what.

Parts are the same with the same id, wherever they stand. Defaults are compared as if they were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from thalweg.design.document import Design

#: pillar → the sections of a document that say it; `design` is what belongs to none
PILLARS: Final[Mapping[str, tuple[str, ...]]] = {
    "design": ("id", "name", "currency", "zone", "description"),
    "nodes": ("nodes", "boundary"),
    "drivers": ("drivers",),
    "exchanges": ("meters", "interfaces", "exchanges", "chains", "tariffs", "agreements"),
    "extracts": ("extracts",),
}


class FieldChange(NamedTuple):
    """One value that changed; None where there was or is none."""

    #: within its part, such as `take.percent_of_gross`
    path: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One part that changed."""

    section: str
    #: None for a section that is no list of parts
    id: str | None
    kind: Literal["added", "removed", "changed"]
    #: of a changed part
    fields: tuple[FieldChange, ...] = ()


def changes(one: Design, other: Design) -> Mapping[str, tuple[Change, ...]]:
    """Pillar → what changed from `one` to `other`, in the order of the document's sections."""
    before, after = (design.model_dump(mode="json", exclude_none=True) for design in (one, other))
    return {
        pillar: tuple(change for name in sections for change in _section(name, before.get(name), after.get(name)))
        for pillar, sections in PILLARS.items()
    }


def _section(name: str, before: Any, after: Any) -> Iterator[Change]:
    if not (isinstance(before, list) and isinstance(after, list)):
        if fields := tuple(_differences(before, after, "")):
            yield Change(name, None, "changed", fields)
        return
    old, new = _by_key(before), _by_key(after)
    for key in old:
        if key not in new:
            yield Change(name, key, "removed")
        elif fields := tuple(_differences(old[key], new[key], "")):
            yield Change(name, key, "changed", fields)
    yield from (Change(name, key, "added") for key in new if key not in old)


def _differences(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif _are_parts(before) and _are_parts(after):
        old, new = _by_key(before), _by_key(after)
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(key), new.get(key), f"{path}[{key}]")
        orders = [key for key in old if key in new], [key for key in new if key in old]
        if orders[0] != orders[1]:  # steps apply in their order
            yield FieldChange(f"{path} in order", *orders)
    else:
        yield FieldChange(path, before, after)


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _by_key(parts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parts by their id where they have one, else by their place."""
    return {str(part.get("id", place)): part for place, part in enumerate(parts)}
