"""Chains that were gone in several ways: each occurrence is worth what it was, and could have gone another way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from thalweg.design import Design
from thalweg.metrics import NodeKey, figures_of
from worlds.network import CENT, design_of, driver, flows_of, worth

ARROWS = worth({("shop", "guest"): 900, ("kiosk", "guest"): 300})
#: the guest buys at the shop, or at the kiosk; either could have served the other's customers for less
CHAIN: dict[str, Any] = {
    "id": "meal",
    "name": "A meal",
    "trigger": "events",
    "exchanges": ["shop-guest-service"],
    "fallback": "2.00",
    "alternatives": [
        {"id": "kiosk", "name": "At the kiosk", "trigger": "events", "exchanges": ["kiosk-guest-service"]}
    ],
}


def design(fallback: str | None) -> Design:
    kiosk = CHAIN["alternatives"][0] | {"fallback": fallback}
    return design_of(
        ARROWS, drivers=[driver(["shop"], "shop-guest-service")], chains=[CHAIN | {"alternatives": [kiosk]}]
    )


@pytest.mark.parametrize("key", NodeKey)
def test_each_way_is_counted_by_its_own_trigger_and_falls_back_on_the_other(key):
    parties = tuple((role, role) for role in ("guest", "kiosk", "shop"))
    shop, kiosk = (replace(flow, needs=parties) for flow in flows_of(ARROWS))
    shop, kiosk = replace(shop, occurrences=3), replace(kiosk, occurrences=2)
    game = figures_of(design("1.50"), [shop, kiosk], key).game
    assert game.worth({"shop", "kiosk", "guest"}) == 1200 * CENT
    assert game.worth({"shop", "guest"}) == (900 + 2 * 200) * CENT
    assert game.worth({"kiosk", "guest"}) == (3 * 150 + 300) * CENT
    assert game.worth({"shop", "kiosk"}) == 0
    strict = figures_of(design(None), [shop, kiosk], key).game
    assert strict.worth({"kiosk", "guest"}) == 300 * CENT


def test_the_same_chain_between_the_same_nodes_is_one_instance_whatever_the_assignment():
    parties = tuple((role, role) for role in ("guest", "kiosk", "shop"))
    flows = [replace(flow, needs=parties) for flow in flows_of(ARROWS)]
    twice = [*flows, *(replace(flow, assignment_id=2) for flow in flows)]
    figures = figures_of(design(None), twice, NodeKey.ROLE)
    assert [(instance.way.id, instance.worth) for instance in figures.instances] == [
        ("meal", 1800 * CENT),
        ("kiosk", 600 * CENT),
    ]
    # 18 between shop and guest; of the kiosk's 6, the shop could have made 4 without it
    assert {node: share * 3 / CENT for node, share in figures.contributions.items()} == {
        "guest": 2700 + 900 + 600 - 400,
        "shop": 2700 + 600 - 400,
        "kiosk": 900 - 400,
    }
