"""The judge of a chaos run: it says yes to a store that holds the truth, and names each way in which one does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from thalweg_app.chaos.judge import all_arrived, judge
from thalweg_app.chaos.stored import BootRow
from thalweg_app.chaos.truth import Flow, Identity, Sent, Tally, Truth
from thalweg_app.chaos.workload import OCCUPANCY, QUARTER_MS, SESSION, UNMAPPED, Sort


def sent(sort: Sort, first: int, end: int, digest: str, *sums: tuple[Any, int, int], receipted: bool = True) -> Sent:
    identity = Identity("d", 1, first, digest)
    return Sent(sort, identity, end, is_late=False, sent=1, was_acknowledged=True, was_receipted=receipted, sums=sums)


def session(wh: int, number: int, bucket: int = 0) -> tuple[Any, int, int]:
    return (SESSION, "volt-pass", bucket), wh, number


TRUTH = Truth(
    [
        sent(Sort.ORIGINAL, 0, 3, "aa", session(500, 2), ((OCCUPANCY, "", 0), 1, 1)),
        sent(Sort.ORIGINAL, 3, 5, "bb", session(70, 1, QUARTER_MS), ((UNMAPPED, "", QUARTER_MS), 4, 1)),
        sent(Sort.RIVAL, 3, 5, "cc", session(900, 2, QUARTER_MS), receipted=False),
        sent(Sort.CORRUPT, 0, 3, "dd", receipted=False),
    ]
)
A, B, C, D = (each.identity for each in TRUTH.messages)


class Store:
    """A store at rest, made by hand; tests spoil it."""

    def __init__(self) -> None:
        self.outcomes = {"booked": [A, B], "conflict": [C]}
        self.ranges = {("d", 1): BootRow(5, 5, 0, 5, 0)}
        group = ("volt-pass",)
        self.quantities = Counter(
            {
                Flow("energy", "d", 0, group): 500,
                Flow("sessions", "d", 0, group): 2,
                Flow("occupancy", "d", 0, ()): 1,
                Flow("energy", "d", QUARTER_MS, group): 70,
                Flow("sessions", "d", QUARTER_MS, group): 1,
            }
        )
        self.occurrences = Counter({flow: 2 if self.quantities[flow] in (500, 2) else 1 for flow in self.quantities})
        self.events = Counter(
            {
                Tally("d", 0, SESSION, "mapped"): 2,
                Tally("d", 0, OCCUPANCY, "mapped"): 1,
                Tally("d", QUARTER_MS, SESSION, "mapped"): 1,
                Tally("d", QUARTER_MS, UNMAPPED, "unmapped"): 1,
            }
        )
        self.sums = Counter(
            {
                Tally("d", 0, SESSION, "mapped"): 500,
                Tally("d", 0, OCCUPANCY, "mapped"): 1,
                Tally("d", QUARTER_MS, SESSION, "mapped"): 70,
                Tally("d", QUARTER_MS, UNMAPPED, "unmapped"): 4,
            }
        )
        self.refused = Counter({"bad_signature": 1, "conflict": 1})
        self.rated = {"charging-fee": 570, "clearing": 3, "occupancy-data": 1, "money": 570 * 50_000}

    def batches(self) -> dict[str, list[Identity]]:
        return self.outcomes

    def number_of(self, digests: list[str]) -> int:
        return sum(each.digest in digests for found in self.outcomes.values() for each in found)

    def boots(self) -> dict[tuple[str, int], BootRow]:
        return self.ranges

    def flows(self) -> tuple[Counter[Flow], Counter[Flow]]:
        return self.quantities, self.occurrences

    def tallies(self) -> tuple[Counter[Tally], Counter[Tally]]:
        return self.events, self.sums

    def rejections(self) -> Counter[str]:
        return self.refused


def wrong(store: Store, *, was_restored: bool = False) -> set[str]:
    """The names of what does not hold."""
    return {each.name for each in judge(TRUTH, store, store.rated, was_restored=was_restored) if not each.ok}  # type: ignore[arg-type]


def test_a_store_that_holds_the_truth_is_right():
    assert wrong(Store()) == set()
    assert all_arrived(TRUTH, Store())  # type: ignore[arg-type]


def test_a_lost_batch_is_lost_and_missing():
    store = Store()
    store.outcomes["booked"].remove(A)
    found = wrong(store)
    assert {"batches booked, each once", "receipted events lost", "acknowledged events lost"} <= found
    assert {"rollups, quantities", "tallies, events", "rated quantities and money"} <= found


def test_a_batch_that_is_stored_twice_is_seen():
    store = Store()
    store.outcomes["booked"].append(B)
    assert wrong(store) == {"batches booked, each once"}


def test_a_doubled_sum_is_seen():
    store = Store()
    store.quantities[Flow("energy", "d", 0, ("volt-pass",))] *= 2
    assert wrong(store) == {"rollups, quantities"}


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("quantities", "rollups, quantities"),
        ("occurrences", "rollups, occurrences"),
        ("events", "tallies, events"),
        ("sums", "tallies, quantities"),
        ("rated", "rated quantities and money"),
    ],
)
def test_any_sum_that_is_one_off_is_seen(name, verdict):
    for key in list(getattr(Store(), name)):
        store = Store()
        getattr(store, name)[key] += 1
        assert wrong(store) == {verdict}


def test_a_gap_in_the_received_ranges_is_seen():
    store = Store()
    store.ranges[("d", 1)] = BootRow(3, 4, 0, 5, 1)
    assert wrong(store) == {"events committed, by the received ranges"}


def test_a_corrupt_message_that_was_stored_is_seen_whatever_became_of_it():
    store = Store()
    store.outcomes["booked"].append(D)
    assert {"corrupt messages stored", "batches booked, each once"} <= wrong(store)


def test_refusals_that_are_missing_and_refusals_of_what_was_right_are_seen():
    store = Store()
    store.refused = Counter({"refused_by_store": 1})
    assert wrong(store) == {"corrupt messages rejected, at least", "conflicts rejected", "other rejections"}
    assert not all_arrived(TRUTH, store)  # type: ignore[arg-type]


def test_a_rival_that_never_came_is_waited_for_and_missed():
    store = Store()
    store.outcomes["conflict"] = []
    assert not all_arrived(TRUTH, store)  # type: ignore[arg-type]
    assert {"conflicts kept apart, each once", "acknowledged events lost"} <= wrong(store)


def test_a_corrupt_message_that_is_delivered_twice_may_count_twice_but_a_conflict_may_not():
    store = Store()
    store.refused["bad_signature"] += 1
    assert wrong(store) == set()
    store.refused["conflict"] += 1
    assert wrong(store) == {"conflicts rejected"}


def test_after_a_restore_the_rival_may_have_come_first_and_its_events_count_then():
    store = Store()
    store.outcomes = {"booked": [A, C], "conflict": [B]}
    group = ("volt-pass",)
    store.quantities[Flow("energy", "d", QUARTER_MS, group)] = 900
    store.quantities[Flow("sessions", "d", QUARTER_MS, group)] = 2
    for flow in (Flow("energy", "d", QUARTER_MS, group), Flow("sessions", "d", QUARTER_MS, group)):
        store.occurrences[flow] = 2
    store.events = store.events + Counter({Tally("d", QUARTER_MS, SESSION, "mapped"): 1})
    del store.events[Tally("d", QUARTER_MS, UNMAPPED, "unmapped")]
    store.sums[Tally("d", QUARTER_MS, SESSION, "mapped")] = 900
    del store.sums[Tally("d", QUARTER_MS, UNMAPPED, "unmapped")]
    store.rated = {"charging-fee": 1_400, "clearing": 4, "occupancy-data": 1, "money": 1_400 * 50_000}
    assert wrong(store, was_restored=True) == set()
    assert wrong(store) == {"rivals in their original's place"}
    store.outcomes["conflict"] = []  # a receipt covered its seqs before it came
    store.refused["conflict"] = 0
    assert wrong(store, was_restored=True) == set()
