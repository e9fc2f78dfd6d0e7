"""An agreement whose terms change within a window: what was earned before and after is right in every answer.

The host has a tenth of the net until the change and a fifth from then on, but never more than 0.40 in all. Each kWh
costs 0.50, of which 0.35 reach the operator, who pays 0.20 for the electricity.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from thalweg.design.text import parse
from thalweg.examples import text
from worlds.api import ApiWorld
from worlds.gateway import charge

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
INSTANT = timedelta(milliseconds=1)
#: on a quarter hour that is no hour, some hours ago
CHANGE = datetime.now(UTC).replace(minute=15, second=0, microsecond=0) - 4 * HOUR
BEFORE, AFTER = (CHANGE - HOUR, CHANGE), (CHANGE, CHANGE + HOUR)
WHOLE = (CHANGE - HOUR, CHANGE + HOUR)
#: Wh that were charged before: a tenth of what is left of them is 0.166665
CHARGED_BEFORE = (3333, 7777, 1)
#: Wh after: a fifth would be 0.30021, of which the limit leaves 0.233335
CHARGED_AFTER = 10_007


def version(name: str, percent: int, **dates: str) -> dict[str, Any]:
    steps = [
        {
            "id": "host",
            "take": {"percent_of_gross": percent},
            "to": "host",
            "cap": {"amount": "0.40", "per": "lifetime"},
        },
        {"id": "rest", "take": "remainder", "to": "cpo"},
    ]
    return {
        "id": name,
        "name": name,
        "on": "operator-fee",
        "base": {"net_of": ["energy-cost"]},
        "steps": steps,
        **dates,
    }


def charged(wh: int, moment: datetime) -> Any:
    return charge(wh, int(moment.timestamp() * 1000))


@pytest.fixture
def changed(world: ApiWorld) -> ApiWorld:
    """With sessions up to the last instant before the change, and in the first one after it."""
    document = parse(text("ev-charging"))
    document["zone"] = "UTC"
    written = CHANGE.strftime("%Y-%m-%dT%H:%M")
    document["agreements"] = [
        version("first-terms", 10, valid_until=written),
        version("second-terms", 20, valid_from=written),
    ]
    world.activate(document)
    first, second, third = CHARGED_BEFORE
    world.book(
        world.gateway.batch(
            charged(first, BEFORE[0]),
            charged(second, CHANGE - HOUR / 2),
            charged(third, CHANGE - INSTANT),
            charged(CHARGED_AFTER, CHANGE),
        )
    )
    return world


def cash(world: ApiWorld, who: str, window: tuple[datetime, datetime]) -> Decimal:
    start, end = window
    question = {"metric": "m3", "level": "node", "of": who, "from": start.isoformat(), "to": end.isoformat()}
    (reading,) = world.get("/metrics", **question)["readings"]
    return Decimal(reading["value"])


def test_each_side_of_the_change_has_its_own_terms_and_what_was_taken_is_handed_on(changed: ApiWorld) -> None:
    assert cash(changed, "mall-42", BEFORE) == Decimal("0.166665")
    assert cash(changed, "mall-42", AFTER) == Decimal("0.233335")
    assert cash(changed, "mall-42", WHOLE) == Decimal("0.40")
    operators = [cash(changed, "city-charge", window) for window in (BEFORE, AFTER, WHOLE)]
    net = [Decimal("0.15") * wh / 1000 for wh in (sum(CHARGED_BEFORE), CHARGED_AFTER)]
    assert operators == [
        net[0] - Decimal("0.166665"),
        net[1] - Decimal("0.233335"),
        sum(net) - Decimal("0.40"),
    ]


def test_money_is_neither_lost_nor_made_at_the_change(changed: ApiWorld) -> None:
    overview, accounting = changed.get("/overview"), changed.get("/accounting")
    gross = Decimal("0.50") * (sum(CHARGED_BEFORE) + CHARGED_AFTER) / 1000
    exact = {share["participant"]: Decimal(share["exact"]) for share in overview["shares"]}
    assert exact["mall-42"] == Decimal("0.40")
    assert sum(exact.values()) == gross == Decimal(accounting["gross"])
    assert {who: Decimal(share) for who, share in accounting["shares"].items()} == exact
    assert sum(Decimal(share["settled"]) for share in overview["shares"]) == Decimal(overview["gross"])
    assert abs(Decimal(overview["gross"]) - gross) < Decimal("0.01")
    [_, _, shares] = changed.tables("/overview.csv")
    assert {row["participant_id"]: Decimal(row["exact"]) for row in shares} == exact


def test_both_versions_share_the_charge_and_the_window_before_shows_the_old_terms(changed: ApiWorld) -> None:
    for start, end in (BEFORE, AFTER, WHOLE):
        answer = changed.get("/metrics", **{"from": start.isoformat(), "to": end.isoformat(), "previous": True})
        assert "operator-fee" not in {each["exchange"] for each in answer["unrated"]}
        created, captured = (
            {tuple(each["of"]): Decimal(each["value"]) for each in answer["readings"] if each["metric"] == metric}
            for metric in ("m1", "m2")
        )
        assert sum(value for of, value in captured.items() if of) == created[()], "all value is captured, to the atom"
    after = changed.get("/metrics", **{"from": AFTER[0].isoformat(), "to": AFTER[1].isoformat(), "previous": True})
    [host] = [each for each in after["readings"] if (each["metric"], each["of"]) == ("m3", ["mall-42"])]
    assert (Decimal(host["value"]), Decimal(host["previous"])) == (Decimal("0.233335"), Decimal("0.166665"))


def test_what_comes_late_from_before_the_change_is_shared_by_the_terms_of_its_own_time(changed: ApiWorld) -> None:
    changed.book(changed.gateway.batch(charged(2000, CHANGE - HOUR / 4)))
    assert cash(changed, "mall-42", BEFORE) == Decimal("0.196665"), "a tenth of 0.30 more"
    assert cash(changed, "mall-42", AFTER) == Decimal("0.203335"), "the limit leaves so much less"
    assert cash(changed, "mall-42", WHOLE) == Decimal("0.40")


def test_the_design_tells_from_when_on_which_terms_hold(changed: ApiWorld) -> None:
    first, second = changed.get("/design")["document"]["agreements"]
    assert (first["name"], second["name"]) == ("first-terms", "second-terms")
    assert first["valid_until"] == second["valid_from"]
    assert datetime.fromisoformat(first["valid_until"]).replace(tzinfo=UTC) == CHANGE
