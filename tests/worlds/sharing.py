"""A charge per kWh at some sites, and how it is shared: designs, sessions, and what participants get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from thalweg.design import Design, from_document
from thalweg.rating import Flow, rate
from worlds.tariffs import ATOMS, Session, document, measured, tariff

PARTIES = {"a": "anna", "b": "berta", "c": "carla", "d": "anna"}
#: two sites whose sums are apart, and one that two devices have in common
SITES = {1: PARTIES, 2: PARTIES | {"b": "ben"}, 3: PARTIES}
REST = {"id": "rest", "take": "remainder", "to": "cpo"}
MONTH = 31 * 96
#: local midnight of the first of January in Helsinki
NEW_YEAR = -8

#: who pays whom by what: exchange, agreement, step, payee, recipient
Share = tuple[str, str, str, str, str]


def design(
    *agreements_: dict[str, Any], unit_price: str = "1", commission: dict[str, Any] | None = None, **settings: Any
) -> Design:
    """A charge per kWh, paid by drivers to the operator, and how it is shared.

    `commission`: the tariff on what the operator pays to the hub, if it pays something.
    """
    charges = [tariff(unit_price=unit_price, **settings)]
    if commission is not None:
        charges.append({"id": "u", "on": "commission"} | commission)
    terms = document(*charges, agreements=list(agreements_))
    terms["nodes"] += [{"id": role, "name": role, "kind": "organisation"} for role in PARTIES]
    groups = ["payer", "charger", "site"]
    terms["meters"] += [
        {"id": "trips", "name": "T", "kind": "session", "value": "1", "unit": "count", "group_by": groups}
    ]
    return from_document(terms)


def agreement(*steps: dict[str, Any], **settings: Any) -> dict[str, Any]:
    named = [{"id": f"s{number}", **step} for number, step in enumerate(steps)]
    return {"id": "g", "on": "fee", "steps": [*named, REST]} | settings


def session(quarter: int, wh: int, assignment: int = 1, charger: str = "fast") -> Session:
    return Session(quarter, assignment, "ann", charger, wh)


def feeding(name: str, on: str, *steps: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """An agreement that leaves all that its steps do not take to the pool."""
    named = [{"id": f"s{number}", **step} for number, step in enumerate(steps)]
    return {"id": name, "on": on, "steps": [*named, into("p")]} | settings


def pool(*steps: dict[str, Any], rest: object = "b", name: str = "p") -> dict[str, Any]:
    named = [{"id": f"s{number}", **step} for number, step in enumerate(steps)]
    return {"id": name, "steps": [*named, {"id": "left", "take": "remainder", "to": rest}]}


def into(name: str) -> dict[str, Any]:
    return {"id": "all", "take": "remainder", "to": {"pool": name}}


def flows_of(terms: Design, window: Iterable[Session], opening: Iterable[Session] = ()) -> tuple[Flow, ...]:
    return rate(terms, measured(terms, window), SITES, measured(terms, opening))


def shares(flows: Iterable[Flow]) -> dict[tuple[str, str], int]:
    """Atoms by step and participant."""
    sums: Counter[tuple[str, str]] = Counter()
    for flow in flows:
        if flow.step is not None:
            sums[flow.step, flow.target] += flow.money_atoms
    return {key: atoms for key, atoms in sums.items() if atoms}


def who_pays_whom(flows: Iterable[Flow]) -> dict[Share, int]:
    """Atoms by who pays whom by what."""
    sums: Counter[Share] = Counter()
    for flow in flows:
        if flow.agreement is not None and flow.step is not None:
            sums[flow.exchange, flow.agreement, flow.step, flow.source, flow.target] += flow.money_atoms
    return {key: atoms for key, atoms in sums.items() if atoms}


def euros(flows: Iterable[Flow]) -> dict[tuple[str, str], Fraction]:
    return {key: Fraction(atoms, ATOMS) for key, atoms in shares(flows).items()}


sessions = st.lists(
    st.builds(
        Session,
        # around midnight of the 15th, around the end of the month, or anywhere
        quarter=st.integers(NEW_YEAR + 14 * 96 - 3, NEW_YEAR + 14 * 96 + 3)
        | st.integers(NEW_YEAR + MONTH - 3, NEW_YEAR + MONTH + 3)
        | st.integers(0, 2 * MONTH),
        assignment=st.sampled_from(sorted(SITES)),
        payer=st.sampled_from(["ann", "bob"]),
        charger=st.sampled_from(["rapid", "fast"]),
        wh=st.integers(-20_000, 60_000),
    ),
    max_size=8,
)
