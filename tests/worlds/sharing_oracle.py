"""How a signer would work an agreement out on paper: plain rationals, plain loops, nothing of the engine.

Reads the document as plain data, with amounts in euros, and gives what each step takes, not rounded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

EURO = 10**8
ZERO = Fraction(0)


def steps_of(
    document: dict[str, Any], gross: Fraction, units: dict[str, Fraction], past: dict[str, Any]
) -> list[Fraction]:
    """What each step takes of `gross` atoms; `units` are in the meters' units.

    `past`: "gross" (lifetime atoms), "period_gross", "units" (lifetime, by meter), "period_units", "taken" and
    "period_taken" and "accrued" and "period_accrued" (atoms by step), "recouped" and "recoup_accrued" (by account).
    """
    left = gross
    found: list[Fraction] = []
    steps = document["steps"]
    while len(found) < len(steps):
        side = [steps[len(found)]]
        for other in steps[len(found) + 1 :]:
            if "priority" in other and other["priority"] == side[0].get("priority"):
                side.append(other)
            else:
                break
        wants = [_want(step, left, gross, units, past, alone=len(side) == 1) for step in side]
        total = sum(wants, ZERO)
        if len(side) > 1 and abs(total) > abs(left):
            wants = [want * left / total for want in wants]
        found += wants
        left -= sum(wants, ZERO)
    return found


def _want(
    step: dict[str, Any],
    left: Fraction,
    gross: Fraction,
    units: dict[str, Fraction],
    past: dict[str, Any],
    *,
    alone: bool,
) -> Fraction:
    if step["take"] == "remainder":
        return left
    # by the step's own rule
    ((kind, take),) = step["take"].items()
    window = step.get("when")
    part = Fraction(1)
    if window is not None:
        before, now = _counted(window, gross, units, past)
        part = _part_within(window, before, now)
    if kind == "percent_of_gross":
        want = gross * Fraction(take) / 100 * part
    elif kind == "percent_of_remainder":
        want = left * Fraction(take) / 100 * part
    elif kind == "per_unit":
        want = units[take["meter"]] * Fraction(take["amount"]) * EURO * part
    elif kind == "flat":
        taken = past["taken" if take["per"] == "lifetime" else "period_taken"].get(step["id"], 0)
        want = max(ZERO, Fraction(take["amount"]) * EURO - taken)
        if window is not None and not _inside(window, before + now):
            want = ZERO
    elif kind == "tiered":
        want = _tiers(take, gross, units, past)
    else:
        want = left * Fraction(take["percent_of_remainder"]) / 100 * part
    # limited to what is there; side by side, dues are reduced together
    available = left if alone else max(want, ZERO) if left >= 0 else min(want, ZERO)
    if "floor_of_remainder" in step and left > 0:
        available = max(ZERO, left - Fraction(step["floor_of_remainder"]) * EURO)
    want = min(max(want, ZERO), available) if left >= 0 else max(min(want, ZERO), available)
    if kind == "recoup":
        account = take["account"]
        want = _limit(
            want,
            ZERO,
            Fraction(take["total"]) * EURO,
            past["recouped"].get(account, 0),
            past["recoup_accrued"].get(account, 0),
        )
    if "cap" in step:
        cap = Fraction(step["cap"]["amount"]) * EURO
        prefix = "" if step["cap"]["per"] == "lifetime" else "period_"
        want = _limit(
            want, -cap, cap, past[prefix + "taken"].get(step["id"], 0), past[prefix + "accrued"].get(step["id"], 0)
        )
    return want


def _limit(want: Fraction, low: Fraction, high: Fraction, taken: int, accrued: int) -> Fraction:
    after = min(max(accrued + want, low), high)
    moved = after - taken
    return min(max(moved, ZERO), want) if want >= 0 else max(min(moved, ZERO), want)


def _tiers(take: dict[str, Any], gross: Fraction, units: dict[str, Fraction], past: dict[str, Any]) -> Fraction:
    lifetime = take["per"] == "lifetime"
    if take["on"] == "gross":
        before, now, bound, rate = (
            Fraction(past["gross" if lifetime else "period_gross"]),
            gross,
            EURO,
            Fraction(1, 100),
        )
    else:
        meter = take["meter"]
        before, now = Fraction(past["units" if lifetime else "period_units"].get(meter, 0)), units[meter]
        bound, rate = 1, Fraction(EURO)
    total = _volume if take["mode"] == "volume" else _graduated
    return rate * (total(take["tiers"], before + now, bound) - total(take["tiers"], before, bound))


def _graduated(tiers: list[Any], value: Fraction, bound: int) -> Fraction:
    if value < 0:
        return -_graduated(tiers, -value, bound)
    due, lower = ZERO, ZERO
    for upper, rate in tiers:
        top = value if upper is None else min(value, Fraction(upper) * bound)
        if top > lower:
            due += (top - lower) * Fraction(rate)
            lower = top
    return due


def _volume(tiers: list[Any], value: Fraction, bound: int) -> Fraction:
    for upper, rate in tiers:
        if upper is None or abs(value) <= Fraction(upper) * bound:
            return value * Fraction(rate)
    raise AssertionError("the last tier has no end")


def _counted(
    window: dict[str, Any], gross: Fraction, units: dict[str, Fraction], past: dict[str, Any]
) -> tuple[Fraction, Fraction]:
    prefix = "" if window["per"] == "lifetime" else "period_"
    if window["of"] == "gross":
        return Fraction(past[prefix + "gross"]), gross
    return Fraction(past[prefix + "units"].get(window["meter"], 0)), units[window["meter"]]


def _bounds(window: dict[str, Any]) -> tuple[Fraction, Fraction | None]:
    size = EURO if window["of"] == "gross" else 1
    high = window.get("up_to")
    return Fraction(window.get("above", 0)) * size, None if high is None else Fraction(high) * size


def _inside(window: dict[str, Any], value: Fraction) -> bool:
    low, high = _bounds(window)
    return value > low and (high is None or value <= high)


def _part_within(window: dict[str, Any], before: Fraction, now: Fraction) -> Fraction:
    low, high = _bounds(window)
    if now == 0:
        return Fraction(_inside(window, before))

    def reached(value: Fraction) -> Fraction:
        return max(ZERO, (value if high is None else min(value, high)) - low)

    return (reached(before + now) - reached(before)) / now


def parts_of(
    document: dict[str, Any], amounts: list[Fraction], participants: dict[str, str]
) -> dict[tuple[str, str, str], Fraction]:
    """(step, role, participant) → its exact part of what the step takes."""
    parts: dict[tuple[str, str, str], Fraction] = {}
    for step, amount in zip(document["steps"], amounts, strict=True):
        split = step["to"]["split"] if isinstance(step["to"], dict) else {step["to"]: 1}
        weights = sum(Fraction(weight) for weight in split.values())
        for role, weight in split.items():
            parts[step["id"], role, participants[role]] = amount * Fraction(weight) / weights
    return parts
