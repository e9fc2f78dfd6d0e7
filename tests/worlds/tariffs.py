"""A small design around one tariff, for tests of charging: chargers, payers and hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from thalweg.design import Design, from_document
from thalweg.mapping import compile_plan
from thalweg.plan import DesignPlan, compile_design
from thalweg.rating import Flow, Quantity
from thalweg.wire.batch import Event

ATOMS = 10**8
ZONE = "Europe/Helsinki"


def money(name: str, source: str = "driver", target: str = "cpo") -> dict[str, Any]:
    ends = {"from": source, "to": target, "medium": "money", "object": "payment"}
    return {"id": name, "name": name, "unit": "kWh", "meter": "energy"} | ends


def document(*tariffs: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A document whose `fee` (driver to operator, per kWh) and `commission` (operator to hub) have `tariffs`."""
    charged = {tariff["on"] for tariff in tariffs}
    return {
        "id": "drawn",
        "name": "Drawn",
        "currency": "EUR",
        "zone": ZONE,
        "nodes": [
            {"id": "driver", "name": "D", "kind": "market_segment", "from_attribute": "payer"},
            {"id": "cpo", "name": "O", "kind": "organisation", "participant": "city-charge"},
            {"id": "hub", "name": "H", "kind": "organisation", "participant": "roam-hub"},
        ],
        "drivers": [
            {
                "id": "d",
                "name": "D",
                "owners": ["cpo"],
                "indicator": {"exchange": min(charged), "figure": "worth"},
                "baseline": "1",
                "target": "2",
            }
        ],
        "meters": [
            {"id": "energy", "name": "M", "kind": "session", "unit": "Wh", "group_by": ["payer", "charger", "site"]}
        ],
        "exchanges": [each for each in (money("fee"), money("commission", "cpo", "hub")) if each["id"] in charged],
        "tariffs": list(tariffs),
        "extracts": [{"id": "x", "name": "X", "nodes": ["cpo"], "exchanges": sorted(charged)[:1]}],
    } | settings


def tariff(**settings: Any) -> dict[str, Any]:
    return {"id": "t", "on": "fee"} | settings


def design(*tariffs: dict[str, Any], **settings: Any) -> Design:
    return from_document(document(*tariffs, **settings))


class Session(NamedTuple):
    """One event: a charging session, or a refund of one if `wh` is negative."""

    #: quarter hours after the first of January 2026, 00:00 UTC
    quarter: int
    assignment: int
    payer: str
    charger: str
    wh: int
    minutes: int = 30
    site: str = "mall"


ASSIGNMENTS = {1: {}, 2: {}, 3: {}}
START = datetime(2026, 1, 1, tzinfo=UTC)


def moment(session: Session) -> datetime:
    return START + timedelta(minutes=15 * session.quarter)


def event(session: Session) -> Event:
    attributes: dict[str, int | str] = {
        "payer": session.payer,
        "charger": session.charger,
        "minutes": session.minutes,
        "site": session.site,
    }
    at_ms = int(moment(session).timestamp()) * 1000 + 7
    return Event(at_ms, "session", session.wh, attributes=attributes)


def measured(design: Design, sessions: Iterable[Session]) -> list[Quantity]:
    """What the gateway and the store make of the sessions: sums by meter, quarter hour, assignment and group."""
    plan = compile_plan(design)
    sums: dict[tuple[Any, ...], list[int]] = {}
    for session in sessions:
        for found in plan.measure(event(session)):
            key = (found.meter_hash, session.assignment, found.group, moment(session))
            total = sums.setdefault(key, [0, 0])
            total[0] += found.quantity
            total[1] += 1
    return [Quantity(meter, assignment, group, *total, at) for (meter, assignment, group, at), total in sums.items()]


def one_by_one(design: Design) -> DesignPlan:
    """A plan that takes no charge for a linear one, and adds no quarter hours up."""
    plan = compile_design(design)
    plan.charges.is_linear = lambda _: False  # type: ignore[method-assign]
    plan.charges.said_of = lambda quarter: quarter
    return plan


def charged(flows: Iterable[Flow], exchange: str = "fee") -> dict[str, int]:
    """Atoms by payer."""
    total: Counter[str] = Counter()
    for flow in flows:
        if flow.exchange == exchange and flow.step is None:
            total[flow.source] += flow.money_atoms
    return {payer: atoms for payer, atoms in total.items() if atoms}
