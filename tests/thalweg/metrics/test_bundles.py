"""Occurrences of a bundle, told apart by what its meters group by."""

from __future__ import annotations

from thalweg.design import from_document
from thalweg.design.meters import meter_hash
from thalweg.metrics import BundleCounts, bundles_of
from thalweg.rating import Quantity
from worlds.roaming import document

REPORT = {"id": "kerb-data", "name": "Kerb data", "correlation": "report"}


def test_an_occurrence_is_complete_where_all_exchanges_of_the_bundle_have_it():
    changed = document()
    changed["chains"] = []
    changed["interfaces"][1] = REPORT
    changed["meters"] += [
        {"id": "given", "name": "Given", "kind": "given", "value": "1", "unit": "count", "group_by": ["report"]},
        {"id": "used", "name": "Used", "kind": "used", "value": "1", "unit": "count", "group_by": ["report"]},
    ]
    for exchange in changed["exchanges"]:
        if exchange.get("interface") == "kerb-data":
            exchange.pop("ratio", None)
            exchange["meter"] = "given" if exchange["medium"] == "data" else "used"
    design = from_document(changed)
    hashes = {meter.id: meter_hash(meter) for meter in design.meters}
    measured = [("given", "a"), ("given", "b"), ("given", "c"), ("used", "a"), ("used", "b")]
    quantities = [Quantity(hashes[meter], 7, (report,), 1, 1) for meter, report in measured]
    assert bundles_of(design, quantities) == {"kerb-data": BundleCounts(complete=2, occurred=3)}


def test_without_a_group_by_correlation_occurrences_cannot_be_told_apart():
    changed = document()
    changed["interfaces"][1] |= {"correlation": "report"}
    assert bundles_of(from_document(changed), []) == {}
