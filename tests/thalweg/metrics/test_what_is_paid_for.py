"""Which part of the value is tangible, is information, is paid for; whether the design occurs; what nobody takes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from thalweg.design import from_document
from thalweg.metrics import (
    BundleCounts,
    Cluster,
    DeviceEvents,
    EventCounts,
    Evidence,
    Figures,
    NodeKey,
    Reason,
    conformance,
    figures_of,
    monetising,
    quality,
    reciprocity,
)
from thalweg.metrics.bundles import bundle_counts
from thalweg.rating import rate
from worlds.network import design_of, exchange, figures, flows_of, money, worth
from worlds.roaming import document, flows, session

DECLARED = from_document(document())
DAY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def golden(evidence: Evidence | None = None) -> Figures:
    return figures_of(DECLARED, flows(DECLARED), NodeKey.ROLE, evidence=evidence)


def test_tangible_per_intangible_by_count_and_by_value():
    assert monetising.tangible_counts(golden()).value == Decimal("3.333333333333")
    money_and_use = (
        Decimal("5.00") + Decimal("0.50") + Decimal("3.50") + Decimal("2.00") + Decimal("0.15") + Decimal("6.20")
    )
    assert monetising.tangible_value(golden()).value == round(money_and_use / Decimal("0.17"), 12)
    assert monetising.tangible_value_at(golden(), "driver").reason is Reason.NOT_POSITIVE


def test_information_is_data_and_knowledge_per_all_that_is_not_money():
    assert monetising.information_value(golden()).value == round(Decimal(12) / Decimal("6.37"), 12)
    assert monetising.information_value_at(golden(), "city").value == 100


def test_the_core_is_the_fewest_nodes_that_make_eighty_percent_of_the_monetised_value():
    assert monetising.core(golden()) == {"driver", "emsp", "hub", "cpo", "energy", "host"}
    assert monetising.core_size(golden()).value == 75
    arrows = worth({("a", "b"): 50, ("c", "d"): 30, ("d", "e"): 19, ("f", "g"): 1})
    exchanges = [exchange(*arrow, interface=f"i-{arrow[0]}") for arrow in arrows]
    paid = money({(two, one): 1 for one, two, _ in arrows})
    exchanges += [exchange(payer, payee, "money", interface=f"i-{payee}") for payer, payee, _ in paid]
    interfaces = [{"id": f"i-{name}", "name": name, "meter": "events"} for name in "acdf"]
    seen = figures(arrows | paid, exchanges=exchanges, interfaces=interfaces)
    assert monetising.core(seen) == {"a", "b", "c", "d"}
    assert monetising.core(figures(arrows)) is None


def test_the_part_whose_value_is_open_is_shown():
    arrows = worth({("a", "b"): 0, ("b", "c"): 5})
    value = {"amount": "1", "method": "tariff"}
    exchanges = [exchange("a", "b", "service", v_from=value, v_to={"amount": "0", "method": "unvalued"})]
    exchanges.append(exchange("b", "c", "service", v_from=value, v_to=value))
    assert monetising.unvalued_part(figures(arrows, exchanges=exchanges)).value == 50


def cluster(events: int, windows: int) -> Cluster:
    return Cluster(shape=f"parking of {events}", events=events, quarters=windows, first_seen=DAY[0], last_seen=DAY[1])


def test_conformance_counts_what_is_designed_what_occurs_and_what_occurs_besides():
    assert conformance.conformance(golden()).value == 100
    arrows = worth({("a", "b"): 5, ("b", "c"): 5})
    design, found = design_of(arrows), (cluster(20, 2), cluster(19, 2), cluster(40, 1))
    seen = figures_of(design, flows_of(arrows)[:1], NodeKey.ROLE, evidence=Evidence(clusters=found))
    assert conformance.conformance(seen).value == 20
    assert conformance.conformance_of(seen) == {("a-b-service",): (100, None), ("b-c-service",): (0, None)}
    assert (conformance.dormant(seen).value, conformance.undesigned(seen).value) == (1, 3)
    assert conformance.candidate_count(seen).value == 1
    assert conformance.candidate_events(seen) == {("parking of 20",): (20, None)}
    assert conformance.candidate_count(golden()).reason is Reason.NOT_GIVEN


def test_variance_to_scenario_is_measured_less_expected_for_that_window():
    arrows = worth({("a", "b"): 5})
    expected = {"occurrences": "31", "per": "month"}
    exchanges = [exchange("a", "b", "service", expected=expected)]
    seen = figures(arrows, Evidence(window=DAY), 4, exchanges=exchanges)
    assert conformance.variance_to_scenario(seen) == {("a-b-service",): (3, None)}
    unknown = figures(arrows, None, 4, exchanges=exchanges)
    assert conformance.variance_to_scenario(unknown)["a-b-service",].reason is Reason.NOT_GIVEN
    assert conformance.variance_to_scenario(golden()) == {}


def test_vacant_roles_show_the_value_and_the_money_that_wait():
    vacant = rate(DECLARED, session(DECLARED, assignment=1), {1: {}})
    for key in NodeKey:
        seen = figures_of(DECLARED, vacant, key)
        assert conformance.vacant_value(seen) == {("host",): (Decimal("0.10"), None)}
        assert conformance.vacant_money(seen) == {("host",): (Decimal("0.15"), None)}
    assert conformance.vacant_value(golden()) == {}


def test_mapped_unmapped_rejected_and_parked_sum_to_what_was_received():
    events = EventCounts(numbered=100, received=100, mapped=70, decodable=100, rejected=8, parked=2)
    seen = golden(Evidence(events=events))
    parts = [quality.coverage(seen), quality.unmapped(seen), quality.rejected(seen), quality.parked(seen)]
    assert [part.value for part in parts] == [70, 20, 8, 2]
    assert quality.quantity_coverage(seen).reason is Reason.NOT_GIVEN


def test_completeness_is_known_by_device_and_by_node():
    devices = {
        "one": DeviceEvents(nodes=frozenset({"cpo"}), numbered=10, received=9),
        "two": DeviceEvents(nodes=frozenset({"cpo"}), numbered=10, received=10),
    }
    seen = golden(Evidence(devices=devices))
    assert quality.completeness_of_devices(seen) == {("one",): (90, None), ("two",): (100, None)}
    assert quality.completeness_at(seen, "cpo").value == 95
    assert quality.completeness_at(seen, "host").reason is Reason.NO_FLOW
    assert quality.completeness_at(golden(), "cpo").reason is Reason.NOT_GIVEN


def test_an_interface_is_complete_where_all_its_exchanges_share_a_correlation():
    declared = document()
    declared["interfaces"][1]["correlation"] = "report"
    design = from_document(declared)
    seen = [("r1", "occupancy-data"), ("r1", "kerb-benefit"), ("r2", "occupancy-data"), ("r2", "occupancy-data")]
    counts = bundle_counts(design, "kerb-data", seen)
    assert counts == BundleCounts(complete=1, occurred=2)
    found = figures_of(design, flows(design), NodeKey.ROLE, evidence=Evidence(bundles={"kerb-data": counts}))
    assert reciprocity.economic_reciprocity(found) == {
        ("roaming-session",): (None, Reason.NOT_DECLARED),
        ("kerb-data",): (50, None),
    }
