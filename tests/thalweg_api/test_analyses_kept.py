"""The analyses are kept: computed once, served while they are computed again, never from another design."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from thalweg_api.analyses import MOST_KEPT, Analyses, Analysis, State
from thalweg_api.metric_schemas import AnalysesAnswer, MetricsWindow, Zoom
from thalweg_api.problems import BusyError, QuestionError
from thalweg_api.questions import Interval, Question
from thalweg_api.schemas import AsOf, DesignRef, WindowName

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def question(ecosystem: str = "ev") -> Question:
    return Question(ecosystem, WindowName.DAY, None, Zoom.PARTICIPANT, (), None)


@dataclass
class Facts:
    """A store of which only the commit and the design matter; computing waits until it is let go."""

    commit: int = 1
    design: str = "first"
    may_compute: threading.Event = field(default_factory=threading.Event)
    computed: list[tuple[str, int]] = field(default_factory=list)
    begun: int = 0
    fails: bool = False

    def state(self, _asked: Question) -> State:
        return State(self.design, self.commit, 0, Interval(None, NOON))

    def compute(self, asked: Question) -> Analysis:
        state = self.state(asked)
        self.begun += 1
        assert self.may_compute.wait(20)
        self.computed.append((asked.ecosystem, state.commit))
        if self.fails:
            raise QuestionError("not so")
        answer = AnalysesAnswer(
            as_of=AsOf(commit=state.commit, changes=0, at=None, computed_at=NOON),
            is_current=True,
            is_computing=False,
            design=DesignRef(id="d", version=1, hash=state.design, name="D"),
            currency="EUR",
            window=MetricsWindow(name=WindowName.DAY, start=None, end=NOON),
            windows=1,
            against=None,
            zoom=Zoom.PARTICIPANT,
            readings=[],
            names={},
            candidates=[],
        )
        return Analysis(state, answer)


@pytest.fixture
def facts() -> Facts:
    found = Facts()
    found.may_compute.set()
    return found


@pytest.fixture
def kept(facts: Facts) -> Analyses:
    return Analyses(facts.state, facts.compute)


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def test_ten_who_ask_at_once_wait_for_one_computation(facts, kept):
    async def ask() -> list[AnalysesAnswer]:
        facts.may_compute.clear()
        asking = [asyncio.create_task(kept.answer(question())) for _ in range(10)]
        await asyncio.sleep(0)
        facts.may_compute.set()
        return await asyncio.gather(*asking)

    answers = asyncio.run(ask())
    assert facts.computed == [("ev", 1)]
    assert {(each.as_of.commit, each.is_current) for each in answers} == {(1, True)}


def test_while_a_newer_one_is_computed_the_last_is_served_and_says_that_it_is_old(facts, kept):
    async def ask() -> None:
        await kept.answer(question())
        facts.commit = 2
        facts.may_compute.clear()
        while not kept.is_computing:  # it rests for a moment first
            assert not (await kept.answer(question())).is_current
        old = await kept.answer(question())
        assert (old.as_of.commit, old.is_current, old.is_computing) == (1, False, True)
        facts.may_compute.set()
        await until(lambda: not kept.is_computing)
        new = await kept.answer(question())
        assert (new.as_of.commit, new.is_current, new.is_computing) == (2, True, False)

    asyncio.run(ask())
    assert facts.computed == [("ev", 1), ("ev", 2)]


def test_nothing_is_computed_again_while_nothing_changes(facts, kept):
    async def ask() -> None:
        for _ in range(5):
            assert (await kept.answer(question())).is_current

    asyncio.run(ask())
    assert len(facts.computed) == 1


def test_another_design_in_force_makes_everybody_wait_for_its_answer(facts, kept):
    async def ask() -> AnalysesAnswer:
        await kept.answer(question())
        facts.design, facts.commit = "second", 2
        return await kept.answer(question())

    answer = asyncio.run(ask())
    assert (answer.design.hash, answer.is_current) == ("second", True)


def test_who_asks_after_a_change_of_design_is_not_given_what_was_begun_before(facts, kept):
    async def ask() -> AnalysesAnswer:
        facts.may_compute.clear()
        before = asyncio.create_task(kept.answer(question()))
        await until(lambda: facts.begun)
        facts.design = "second"
        after = asyncio.create_task(kept.answer(question()))
        await asyncio.sleep(0)
        facts.may_compute.set()
        assert (await before).design.hash == "first"
        return await after

    assert asyncio.run(ask()).design.hash == "second"


def test_a_failure_is_told_and_not_kept(facts, kept):
    facts.fails = True
    with pytest.raises(QuestionError):
        asyncio.run(kept.answer(question()))
    facts.fails = False
    assert asyncio.run(kept.answer(question())).is_current


def test_who_goes_away_does_not_take_the_answer_from_others(facts, kept):
    async def ask() -> AnalysesAnswer:
        facts.may_compute.clear()
        first = asyncio.create_task(kept.answer(question()))
        second = asyncio.create_task(kept.answer(question()))
        await until(lambda: kept.is_computing)
        first.cancel()
        facts.may_compute.set()
        return await second

    assert asyncio.run(ask()).is_current


def test_only_so_many_answers_are_kept(facts, kept):
    async def ask() -> None:
        for number in range(MOST_KEPT + 5):
            await kept.answer(question(f"ev-{number}"))
        await kept.answer(question("ev-0"))

    asyncio.run(ask())
    assert len(kept) == MOST_KEPT
    assert facts.computed.count(("ev-0", 1)) == 2


def test_beyond_so_many_that_wait_who_asks_is_told_to_come_again(facts, kept):
    async def ask() -> None:
        facts.may_compute.clear()
        waiting = [asyncio.create_task(kept.answer(question(f"ev-{number}"))) for number in range(MOST_KEPT)]
        await until(lambda: len(kept) == MOST_KEPT)
        with pytest.raises(BusyError):
            await kept.answer(question("one-more"))
        facts.may_compute.set()
        await asyncio.gather(*waiting)
        assert (await kept.answer(question("one-more"))).is_current

    asyncio.run(ask())
