"""Agreements of every kind, for properties: plain data as in a document, with every field written out."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ROLES = ("a", "b", "c", "d")
#: one participant fills two roles
PARTICIPANTS = {"a": "anna", "b": "berta", "c": "carla", "d": "anna"}
METERS = {"trips": "count", "energy": "Wh"}

spans = st.sampled_from(["period", "lifetime"])
meters = st.sampled_from(sorted(METERS))
percents = st.decimals(min_value=0, max_value=100, places=2).map(lambda number: format(number, "f"))
#: small, so that limits are met often; some of them are no whole cents
euros = st.sampled_from(["0", "0.00000001", "0.005", "0.01", "0.5", "1", "1.99999999", "3", "7.77", "20"])
recipients = st.one_of(
    st.sampled_from(ROLES),
    st.dictionaries(st.sampled_from(ROLES), st.integers(0, 9), min_size=1)
    .filter(lambda split: any(split.values()))
    .map(lambda split: {"split": split}),
)


@st.composite
def tiers(draw: st.DrawFn) -> dict[str, Any]:
    on = draw(st.sampled_from(["gross", "units"]))
    bounds = draw(st.lists(st.integers(1, 30), max_size=2, unique=True).map(sorted))
    rates = percents if on == "gross" else euros
    table = [[str(bound), draw(rates)] for bound in bounds] + [[None, draw(rates)]]
    counted = {"meter": draw(meters)} if on == "units" else {}
    return {
        "on": on,
        "mode": draw(st.sampled_from(["graduated", "volume"])),
        "per": draw(spans),
        "tiers": table,
    } | counted


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    of = draw(st.sampled_from(["gross", "units"]))
    low, width = draw(st.integers(0, 10)), draw(st.integers(1, 10) | st.none())
    window: dict[str, Any] = {"of": of, "per": draw(spans), "above": str(low)}
    if width is not None:
        window["up_to"] = str(low + width)
    return window | ({"meter": draw(meters)} if of == "units" else {})


@st.composite
def takes(draw: st.DrawFn, number: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["percent_of_gross", "percent_of_remainder", "per_unit", "flat", "tiered", "recoup"]))
    match kind:
        case "per_unit":
            return {kind: {"meter": draw(meters), "amount": draw(euros)}}
        case "flat":
            return {kind: {"amount": draw(euros), "per": draw(spans)}}
        case "tiered":
            return {kind: draw(tiers())}
        case "recoup":
            return {kind: {"account": f"k{number}", "total": draw(euros), "percent_of_remainder": draw(percents)}}
        case "percent_of_gross":
            return {kind: draw(percents.map(lambda percent: str(round(float(percent) / 4, 2))))}
        case _:
            return {kind: draw(percents)}


@st.composite
def agreements(draw: st.DrawFn, *, most_steps: int = 4, simple: bool = False) -> dict[str, Any]:
    """A sound agreement, and the last step is the remainder's. `simple`: no modifiers."""
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, most_steps))):
        step: dict[str, Any] = {"id": f"s{number}", "take": draw(takes(number)), "to": draw(recipients)}
        if not simple:
            if draw(st.integers(0, 3)) == 0:
                step["cap"] = {"amount": draw(euros), "per": draw(spans)}
            if draw(st.integers(0, 4)) == 0 and "tiered" not in step["take"]:
                step["when"] = draw(windows())
            if draw(st.integers(0, 5)) == 0:
                step["floor_of_remainder"] = draw(euros)
            if draw(st.integers(0, 2)) == 0:
                step["priority"] = number // 2
        steps.append(step)
    rest = {"id": "rest", "take": "remainder", "to": draw(recipients)}
    return {"id": "g", "on": "x", "steps": [*_with_neighbours(steps), rest]}


def _with_neighbours(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Equal priorities only side by side."""
    seen: set[int] = set()
    for number, step in enumerate(steps):
        priority = step.get("priority")
        if priority in seen and steps[number - 1].get("priority") != priority:
            del step["priority"]
        elif priority is not None:
            seen.add(priority)
    return steps
