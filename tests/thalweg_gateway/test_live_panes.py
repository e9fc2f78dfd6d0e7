"""The live view is written twice a second at most, and nothing of it is lost or doubled on the way."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from thalweg_gateway.live_panes import INTERVAL_SECONDS, LivePanes
from thalweg_store.facts import FlowKey, Total


def flow(assignment: int) -> FlowKey:
    return FlowKey(1, assignment, ("volt-pass",))


def total(quantity: int) -> dict[FlowKey, Total]:
    return {flow(1): Total(quantity, 1)}


def test_what_comes_after_a_pause_is_written_at_once() -> None:
    panes = LivePanes()
    assert panes.to_write(total(5), 100.0) == total(5)


def test_what_comes_soon_after_waits_until_it_is_due() -> None:
    panes = LivePanes()
    panes.settle(total(5), panes.to_write(total(5), 100.0), 100.0)
    soon = 100.0 + INTERVAL_SECONDS / 2
    assert panes.to_write(total(7), soon) == {}
    panes.settle(total(7), {}, soon)
    assert not panes.is_due(soon)
    assert panes.is_due(100.0 + INTERVAL_SECONDS)
    assert panes.to_write({}, 100.0 + INTERVAL_SECONDS) == total(7)


def test_a_transaction_that_fails_leaves_what_waits() -> None:
    panes = LivePanes()
    panes.settle(total(5), panes.to_write(total(5), 100.0), 100.0)
    panes.settle(total(7), {}, 100.1)
    panes.to_write(total(9), 101.0)
    assert panes.waiting() == total(7)


def test_what_another_has_written_anew_waits_no_longer() -> None:
    panes = LivePanes()
    panes.settle(total(5), panes.to_write(total(5), 100.0), 100.0)
    panes.settle(total(7) | {flow(2): Total(3, 1)}, {}, 100.1)
    panes.forget({1, 9})
    assert panes.waiting() == {flow(2): Total(3, 1)}


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(1, 3), st.integers(0, 9), st.booleans()), max_size=30))
def test_everything_committed_is_written_once(transactions: list[tuple[float, int, int, bool]]) -> None:
    panes, written, now = LivePanes(), defaultdict(Total), 0.0
    expected: defaultdict[FlowKey, Total] = defaultdict(Total)
    for pause, assignment, quantity, is_committed in [*transactions, (1.0, 1, 0, True)]:
        now += pause
        more = {flow(assignment): Total(quantity, 1)}
        writing = panes.to_write(more, now)
        if is_committed:
            panes.settle(more, writing, now)
            expected[flow(assignment)].add(quantity)
            for key, sum_ in writing.items():
                written[key].add(sum_.quantity, sum_.occurrences)
    assert written == expected
