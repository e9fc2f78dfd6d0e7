"""What a receipt names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from queue import SimpleQueue

from thalweg.intervals import Intervals
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.receipts import OwedReceipt, Receipts


def owed(
    committed: list[tuple[int, int]], latest: list[tuple[int, int]], epoch: str = "e", boot: int = 7
) -> OwedReceipt:
    return OwedReceipt(
        device="cp-01", key_version=1, boot=boot, committed=Intervals(committed), latest=Intervals(latest),
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


def test_once_one_of_another_life_is_owed_none_of_the_former_is_sent_for_whatever_boot() -> None:
    sent: list[tuple[str, bytes]] = []
    receipts = Receipts("ev", KeyRing(bytes(range(32)), "ev"), sent.extend)
    receipts.owe([owed([(0, 9)], [(0, 9)], epoch="former", boot=7), owed([(0, 5)], [(0, 5)], epoch="former", boot=8)])
    receipts.owe([owed([(0, 2)], [(0, 2)], epoch="new", boot=7)])
    assert receipts.send_due(0) == 1
    body = json.loads(sent[0][1].rpartition(b".")[0])
    assert (body["epoch"], body["boot"], body["next"]) == ("new", 7, 2)


def test_a_device_gets_at_most_five_a_second_and_the_last_says_all() -> None:
    sent: list[tuple[str, bytes]] = []
    receipts = Receipts("ev", KeyRing(bytes(range(32)), "ev"), sent.extend)
    receipts.owe([owed([(0, 1)], [(0, 1)])])
    assert receipts.send_due(0) == 1
    receipts.owe([owed([(0, 2)], [(1, 2)])])
    assert receipts.send_due(0.1) == 0
    receipts.owe([owed([(0, 3)], [(2, 3)])])
    assert receipts.send_due(0.2) == 1
    assert [json.loads(each.rpartition(b".")[0])["next"] for _, each in sent] == [1, 3]


def test_what_is_due_leaves_although_nobody_calls() -> None:
    """Whoever commits may be at the next commit when a device may have a receipt again."""
    left: SimpleQueue[Sequence[tuple[str, bytes]]] = SimpleQueue()
    receipts = Receipts("ev", KeyRing(bytes(range(32)), "ev"), left.put)
    receipts.start()
    for end in (1, 2):
        receipts.owe([owed([(0, end)], [(end - 1, end)])])
        [(_, payload)] = left.get(timeout=30)
        assert json.loads(payload.rpartition(b".")[0])["next"] == end
    receipts.close()


def test_closed_it_sends_nothing_more() -> None:
    sent: list[tuple[str, bytes]] = []
    receipts = Receipts("ev", KeyRing(bytes(range(32)), "ev"), sent.extend)
    receipts.start()
    receipts.close()
    receipts.owe([owed([(0, 1)], [(0, 1)])])
    assert not sent
