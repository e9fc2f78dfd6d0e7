"""The analyses: computed in the background, one at a time for each question, and kept until something has changed.

A question's answer is kept with what it was computed from: the design, the commit, the window's ends. While a newer one
is computed, the old one is served; it says when it was computed. Only a change of the design makes everybody wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from thalweg_api.metric_schemas import AnalysesAnswer
from thalweg_api.problems import BusyError
from thalweg_api.questions import Interval, Question

#: questions whose answers are kept, or under way; beyond, the one that was not asked for longest is forgotten
MOST_KEPT: Final = 16
#: computed at once, whatever the questions: the machine has other things to do
MOST_AT_ONCE: Final = 2
#: after a computation, the question rests for so many times as long as it took
_REST: Final = 9


class State(NamedTuple):
    """What an answer follows from."""

    #: content hash of the design in force
    design: str
    #: the store's commits, and its changes of anything else
    commit: int
    changes: int
    interval: Interval


class Analysis(NamedTuple):
    """One computed answer."""

    state: State
    answer: AnalysesAnswer


@dataclass(slots=True)
class _Slot:
    analysis: Analysis | None = None
    running: Future[Analysis] | None = None
    #: on the monotonic clock: not computed again before
    rests_until: float = 0.0


class Analyses:
    """Keeps the answers.

    `state(question)` says cheaply what an answer would follow from now; `compute(question)` computes it, and may take
    seconds. Both run in threads.
    """

    def __init__(self, state: Callable[[Question], State], compute: Callable[[Question], Analysis]) -> None:
        self._state = state
        self._compute = compute
        self._slots: OrderedDict[Question, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="analyses")

    def __len__(self) -> int:
        """Number of questions whose answers are kept or under way."""
        return len(self._slots)

    @property
    def is_computing(self) -> bool:
        """Whether any computation is under way."""
        with self._lock:
            return self._running() > 0

    async def answer(self, question: Question) -> AnalysesAnswer:
        """The answer as of now, or the last one while a newer one is being computed.

        Raises what computing raises, and BusyError where too many others wait.
        """
        while True:
            state = await run_in_threadpool(self._state, question)
            kept, running = self._look_up(question, state)
            if kept is not None:
                age = {"is_current": kept.state == state, "is_computing": running is not None}
                return kept.answer.model_copy(update=age)
            assert running is not None
            # who goes away must not cancel what others wait for
            analysis = await asyncio.shield(asyncio.wrap_future(running))
            if analysis.state.design == state.design:
                return analysis.answer

    def close(self) -> None:
        """Begin nothing more."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _look_up(self, question: Question, state: State) -> tuple[Analysis | None, Future[Analysis] | None]:
        """What is kept of the question and may be served; the computation under way, which is begun if need be."""
        with self._lock:
            slot = self._slots.get(question) or _Slot()
            if slot.analysis is not None and slot.analysis.state.design != state.design:
                slot.analysis, slot.rests_until = None, 0.0
            is_due = slot.analysis is None or (slot.analysis.state != state and monotonic() >= slot.rests_until)
            if is_due and slot.running is None:
                if self._running() < MOST_KEPT:
                    slot.running = self._workers.submit(self._run, question, slot)
                elif slot.analysis is None:
                    raise BusyError
            self._slots[question] = slot
            self._slots.move_to_end(question)
            self._forget_oldest()
            return slot.analysis, slot.running

    def _run(self, question: Question, slot: _Slot) -> Analysis:
        began = monotonic()
        analysis: Analysis | None = None
        try:
            analysis = self._compute(question)
            return analysis
        finally:  # after a failure nothing is kept, so that whoever asks next is told why
            with self._lock:
                slot.analysis, slot.running = analysis, None
                slot.rests_until = monotonic() + _REST * (monotonic() - began)

    def _running(self) -> int:
        """Computations that are under way or wait for their turn."""
        return sum(slot.running is not None for slot in self._slots.values())

    def _forget_oldest(self) -> None:
        for question in [question for question, slot in self._slots.items() if slot.running is None]:
            if len(self._slots) <= MOST_KEPT:
                return
            del self._slots[question]
