"""The live stream: one computed, encoded frame a second and topic, shared by all its viewers.

A topic is (ecosystem, window, view). A frame is a complete answer, so the newest is all that a viewer ever needs: slow
viewers skip frames, and nothing has to be replayed. A topic that has no answer any more (its participant left, its
window is not covered by a new meter) ends, and a viewer that asks again is told why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from thalweg.errors import StoreUnavailable, ThalwegError
from thalweg_api.problems import UnknownParticipantError
from thalweg_api.schemas import Overview, WindowName

_LOG = logging.getLogger(__name__)
POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 10.0
#: without a change, frames are made again this often, since windows move on
_REFRESH_POLLS: Final = 15
_HEARTBEAT: Final = b"event: heartbeat\ndata: {}\n\n"


class TopicKey(NamedTuple):
    """What a viewer looks at."""

    ecosystem: str
    window: WindowName
    view: str | None


@dataclass(slots=True)
class _Topic:
    frame: bytes = b""
    #: the watermark before its frame was made
    seen: object = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    viewers: int = 0
    has_ended: bool = False


class LiveHub:
    """Computes frames for the topics that somebody views, whenever the store has changed.

    `watermark()` differs then from what it was; `overview(key)` computes an answer; both run in threads.
    """

    def __init__(self, watermark: Callable[[], object], overview: Callable[[TopicKey], Overview]) -> None:
        self._watermark = watermark
        self._overview = overview
        self._topics: dict[TopicKey, _Topic] = {}
        #: frames computed since the start
        self.frames_made = 0

    @property
    def viewers(self) -> int:
        """Open streams."""
        return sum(topic.viewers for topic in list(self._topics.values()))

    async def run(self) -> None:
        """Work until cancelled."""
        polls = 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._topics:
                continue
            try:
                present = await run_in_threadpool(self._watermark)
                polls = (polls + 1) % _REFRESH_POLLS
                for key, topic in list(self._topics.items()):
                    if topic.seen != present or not polls:
                        await self._refresh_or_end(key, topic, present)
            except StoreUnavailable as error:
                _LOG.warning("no new frames: %s", error)

    async def frames(self, key: TopicKey) -> AsyncIterator[bytes]:
        """The frames of a topic from now on, with heartbeats while nothing changes."""
        topic = self._topics.setdefault(key, _Topic())
        topic.viewers += 1
        try:
            if not topic.frame:
                await self._refresh(key, topic, await run_in_threadpool(self._watermark))
            while not topic.has_ended:
                changed = topic.changed
                yield topic.frame
                while not changed.is_set():
                    try:
                        await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
                    except TimeoutError:
                        yield _HEARTBEAT
        finally:
            topic.viewers -= 1
            if not topic.viewers:
                self._forget(key, topic)

    async def _refresh_or_end(self, key: TopicKey, topic: _Topic, present: object) -> None:
        try:
            await self._refresh(key, topic, present)
        except StoreUnavailable:
            raise
        except (ThalwegError, UnknownParticipantError) as error:
            _LOG.info("the stream of %s ends: %s", key, error)
            self._forget(key, topic)
            topic.has_ended = True
            topic.changed.set()

    def _forget(self, key: TopicKey, topic: _Topic) -> None:
        if self._topics.get(key) is topic:
            del self._topics[key]

    async def _refresh(self, key: TopicKey, topic: _Topic, present: object) -> None:
        overview = await run_in_threadpool(self._overview, key)
        topic.frame, topic.seen = _encode(overview), present
        self.frames_made += 1
        changed, topic.changed = topic.changed, asyncio.Event()
        changed.set()


def _encode(overview: Overview) -> bytes:
    return b"id: %d\nevent: overview\ndata: %s\n\n" % (overview.as_of.commit, overview.model_dump_json().encode())
