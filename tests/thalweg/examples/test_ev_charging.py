"""The counterfactual of the charging ecosystem: the host has a part of the fee instead of a part of what it leaves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from thalweg.design import Design, from_document
from thalweg.design.text import parse
from thalweg.examples import text
from thalweg.wire.batch import Event
from worlds.ecosystems import Ecosystem, Reported, at

HOST = {7: {"host": "mall-42"}}


def design(energy_price: str, *, of_the_fee: bool) -> Design:
    document = parse(text("ev-charging"))
    document["tariffs"][3]["unit_price"] = energy_price
    if of_the_fee:
        document["agreements"][0]["base"] = "gross"
        document["agreements"][0]["steps"][0]["take"] = {"percent_of_gross": "4"}
    return from_document(document)


@pytest.mark.parametrize(
    ("energy_price", "of_the_net", "of_the_fee"),
    [("0.20", "0.15", "0.14"), ("0.21", "0.14", "0.14"), ("0.25", "0.10", "0.14")],
)
def test_a_host_with_4_percent_of_the_fee_no_longer_carries_the_price_of_energy(energy_price, of_the_net, of_the_fee):
    session = Event(at_ms=at(9), kind="charging.session", quantity=10_000, attributes={"emsp": "greenmile"})
    net, fee = (
        Ecosystem(design(energy_price, of_the_fee=each)).outcome([Reported(7, session)], HOST) for each in (False, True)
    )
    assert net.paid("host-share") == Decimal(of_the_net)
    assert fee.paid("host-share") == Decimal(of_the_fee)
    assert net.created == fee.created
    moved = Decimal(of_the_fee) - Decimal(of_the_net)
    assert fee.captured["mall-42"] - net.captured["mall-42"] == moved
    assert fee.captured["city-charge"] - net.captured["city-charge"] == -moved
