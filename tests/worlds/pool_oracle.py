"""How a signer would work out pools on paper, month after month: plain rationals, plain loops, nothing of the engine.

`sharing_oracle` says what one agreement's steps take. Here, what they put into pools is put together, for each set of
participants whom the pool reaches, and sums are carried from month to month, not rounded.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from fractions import Fraction
from typing import Any, NamedTuple

from worlds.sharing_oracle import parts_of, steps_of

_SUMS = ("units", "taken", "accrued")


class Happened(NamedTuple):
    """One event."""

    month: int
    #: role → participant
    participants: dict[str, str]
    #: agreement id → atoms that it charges
    charged: dict[str, Fraction]
    #: meter id → quantity
    units: dict[str, Fraction]


def paid_out(documents: list[dict[str, Any]], events: list[Happened]) -> dict[tuple[str, str, str], Fraction]:
    """(agreement, step, participant) → exact atoms; `documents` stand behind all that feed them."""
    paid: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    past: dict[tuple[str, Any], dict[str, Any]] = {}
    for month in sorted({event.month for event in events}):
        inflow: dict[tuple[str, Any], Fraction] = defaultdict(Fraction)
        units: dict[tuple[str, Any], dict[str, Fraction]] = defaultdict(
            lambda: {"energy": Fraction(0), "trips": Fraction(0)}
        )
        for event in events:
            for document in documents:
                key = document["id"], _deal(document, documents, event.participants)
                if event.month == month:
                    inflow[key] += event.charged.get(document["id"], 0)
                    for meter, quantity in event.units.items():
                        units[key][meter] += quantity
        for document in documents:
            for key in sorted(each for each in inflow if each[0] == document["id"]):
                participants = dict(key[1])
                opening = _next_month(past.get(key))
                amounts = steps_of(document, inflow[key], units[key], opening)
                past[key] = _behind(document, inflow[key], units[key], opening, amounts)
                parties = []
                for step, amount in zip(document["steps"], amounts, strict=True):
                    if "pool" in step["to"]:
                        pool = next(each for each in documents if each["id"] == step["to"]["pool"])
                        inflow[pool["id"], _deal(pool, documents, participants)] += amount
                    else:
                        parties.append((step, amount))
                direct = {"steps": [step for step, _ in parties]}
                for (step_id, _, participant), part in parts_of(direct, [n for _, n in parties], participants).items():
                    paid[document["id"], step_id, participant] += part
    return paid


def _deal(document: dict[str, Any], documents: list[dict[str, Any]], participants: dict[str, str]) -> Any:
    """Who fills the roles that the agreement's money may reach."""
    roles: set[str] = set()
    waiting = [document]
    while waiting:
        here = waiting.pop()
        for step in here["steps"]:
            if isinstance(step["to"], str):
                roles.add(step["to"])
            elif "split" in step["to"]:
                roles |= step["to"]["split"].keys()
            else:
                waiting += [each for each in documents if each["id"] == step["to"]["pool"]]
    return tuple(sorted((role, participants[role]) for role in roles))


def _next_month(past: dict[str, Any] | None) -> dict[str, Any]:
    if past is None:
        past = {"gross": Fraction(0), "recouped": {}, "recoup_accrued": {}} | {name: {} for name in _SUMS}
    return past | {"period_gross": Fraction(0)} | {f"period_{name}": {} for name in _SUMS}


def _behind(
    document: dict[str, Any],
    gross: Fraction,
    units: dict[str, Fraction],
    past: dict[str, Any],
    amounts: list[Fraction],
) -> dict[str, Any]:
    """The past of the next month: what limits have kept back counts as if it had been taken."""
    now = copy.deepcopy(past)
    now["gross"] += gross
    for meter, quantity in units.items():
        now["units"][meter] = now["units"].get(meter, 0) + quantity
    for number, (step, amount) in enumerate(zip(document["steps"], amounts, strict=True)):
        free = copy.deepcopy(document)
        free["steps"][number].pop("cap", None)
        recoup = step["take"].get("recoup") if step["take"] != "remainder" else None
        if recoup:
            free["steps"][number]["take"] = {"percent_of_remainder": recoup["percent_of_remainder"]}
        unlimited = steps_of(free, gross, units, past)[number]
        for name, value in (("taken", amount), ("accrued", unlimited)):
            now[name][step["id"]] = now[name].get(step["id"], 0) + value
        for name, value in (("recouped", amount), ("recoup_accrued", unlimited)) if recoup else ():
            now[name][recoup["account"]] = now[name].get(recoup["account"], 0) + value
    return now
