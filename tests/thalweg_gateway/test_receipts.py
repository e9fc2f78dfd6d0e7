"""What a receipt names."""

from __future__ import annotations

from thalweg.intervals import Intervals
from thalweg_gateway.receipts import OwedReceipt


def owed(committed: list[tuple[int, int]], latest: list[tuple[int, int]], epoch: str = "e") -> OwedReceipt:
    return OwedReceipt(
        device="cp-01", key_version=1, boot=7, committed=Intervals(committed), latest=Intervals(latest),
        store_epoch=epoch, now_ms=0,
    )  # fmt: skip


def test_of_more_intervals_than_fit_it_names_those_that_were_sent_last() -> None:
    """A device frees a batch only when a receipt covers it: the newest must not wait for old gaps to be filled."""
    intervals = [(0, 2), *((first, first + 2) for first in range(10, 60, 5))]
    receipt = owed(intervals, [(55, 57)]).receipt()
    assert receipt.next_seq == 2
    assert len(receipt.beyond) == 8
    assert receipt.beyond[-1] == (55, 57)
    assert receipt.beyond == tuple(sorted(receipt.beyond))


def test_one_that_replaces_another_unsent_names_what_that_would_have_named() -> None:
    before = owed([(10, 12)], [(10, 12)])
    assert owed([(20, 22)], [(20, 22)]).after(before).receipt().beyond == ((10, 12), (20, 22))


def test_of_another_life_of_the_store_it_carries_nothing_over() -> None:
    before = owed([(10, 12)], [(10, 12)], epoch="former")
    assert owed([(20, 22)], [(20, 22)]).after(before).receipt().beyond == ((20, 22),)
