"""Whatever a document says: it has problems, or it can be compiled, rated and measured."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.costs import node_costs
from thalweg.design import InvalidDesign, all_exchanges, completeness, content_hash, from_document, validate
from thalweg.design.text import parse
from thalweg.mapping import compile_plan
from thalweg.metrics import Evidence, analyses, fast_group, figures_of
from thalweg.rating import Quantity, rate
from worlds.roaming import whole_document

CITY = Path(__file__).parents[1] / "charging" / "no_code.yaml"
SOUND = (whole_document(), parse(CITY.read_text(encoding="utf-8")))


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every key and item of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in items:
        found += places(item, (*path, key))
    return found


PLACES = tuple(places(document) for document in SOUND)
words = st.sampled_from(
    sorted(
        {str(word) for paths in PLACES for path in paths for word in path}
        | {"cpo", "emsp", "energy", "Wh", "kWh", "money", "data"}
    )
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=4,
)


@st.composite
def damaged_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document with some parts removed, replaced by others of it, or replaced by anything."""
    number = draw(st.integers(0, len(SOUND) - 1))
    document: dict[str, Any] = copy.deepcopy(SOUND[number])
    for path in draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=3)):
        try:
            parent = document
            for key in path[:-1]:
                parent = parent[key]  # type: ignore[index]
            change = draw(st.sampled_from(["remove", "word", "anything", "copy"]))
            if change == "remove":
                del parent[path[-1]]  # type: ignore[arg-type]
            elif change == "copy" and isinstance(parent, list):
                parent.append(copy.deepcopy(parent[path[-1]]))  # type: ignore[call-overload]
            else:
                parent[path[-1]] = draw(words if change == "word" else anything)  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return document


@settings(max_examples=60)
@given(damaged_documents())
def test_a_document_has_problems_with_place_and_remedy_or_is_usable(document):
    problems = validate(document)
    if problems:
        assert all(problem.message and problem.remedy for problem in problems)
        return
    design = from_document(document)
    at = datetime(2026, 3, 4, tzinfo=UTC)
    quantities = [
        Quantity(meter.hash, 1, ("x",) * len(meter.group_by), 1234, 3, at) for meter in compile_plan(design).meters
    ]
    flows = rate(design, quantities, {1: {}})
    window = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))
    costs = node_costs(design, quantities, {1: {}}, window)
    figures = figures_of(design, flows, costs=costs, evidence=Evidence(window=window))
    assert sum(account.captured for account in figures.accounts.values()) == figures.created
    for reading in (*fast_group(figures), *analyses(figures)):
        assert (reading.value.value is None) == (reading.value.reason is not None)
    assert {flow.exchange for flow in flows} <= set(all_exchanges(design))
    assert len(completeness(design)) == 4
    assert content_hash(design)


@given(st.text("abc:-?!&*%@<>=~|'\"[]{}#,0.1\n\t \x00é", max_size=30))
def test_any_text_is_a_table_or_says_what_is_wrong_with_it(source):
    outcome: object
    try:
        outcome = parse(source)
    except InvalidDesign as refusal:
        outcome = refusal.problems
    assert isinstance(outcome, dict) or len(outcome) == 1
