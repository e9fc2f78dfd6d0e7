"""Rules on the document as a whole: unique ids, currency, zone, boundary."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from thalweg.design.draft import Draft
from thalweg.errors import MoneyError, Problem
from thalweg.money import minor_digits


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    if draft.currency is not None:
        try:
            minor_digits(draft.currency)
        except MoneyError as error:
            yield Problem("currency", str(error).partition(";")[0], "use a code of ISO 4217 such as EUR")
    if draft.zone is not None:
        try:
            ZoneInfo(draft.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Problem("zone", f"unknown time zone {draft.zone!r}", "use a name such as Europe/Helsinki or UTC")
    for section in draft.sections:
        first: dict[str, str] = {}
        for path, item_id in section.ids:
            if item_id in first:
                yield Problem(path, f"the id {item_id!r} is taken by {first[item_id]}", "choose another id")
            first.setdefault(item_id, path.removesuffix(".id"))
    for number, node in enumerate(draft.boundary.outside):
        yield from draft.nodes.unknown(f"boundary.outside[{number}]", node)
