"""The live stream: one computed, encoded frame a second and topic, shared by all its viewers.

A topic is (ecosystem, window, view). A frame is a complete answer, so the newest is all that a viewer ever needs: slow
viewers skip frames, and nothing has to be replayed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from thalweg.errors import StoreUnavailable
from thalweg_api.schemas import Overview, WindowName

_LOG = logging.getLogger(__name__)
POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 10.0
#: without a commit, frames are made again this often, since windows move on
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
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    viewers: int = 0


class LiveHub:
    """Computes frames for the topics that somebody views, whenever the store has committed something.

    `watermark()` gives the number of the last commit; `overview(key)` computes an answer; both run in threads.
    """

    def __init__(self, watermark: Callable[[], int], overview: Callable[[TopicKey], Overview]) -> None:
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
        seen, polls = -1, 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._topics:
                continue
            try:
                commit = await run_in_threadpool(self._watermark)
                polls += 1
                if commit == seen and polls < _REFRESH_POLLS:
                    continue
                for key, topic in list(self._topics.items()):
                    await self._refresh(key, topic)
                seen, polls = commit, 0
            except StoreUnavailable as error:
                _LOG.warning("no new frames: %s", error)

    async def frames(self, key: TopicKey) -> AsyncIterator[bytes]:
        """The frames of a topic from now on, with heartbeats while nothing changes."""
        topic = self._topics.setdefault(key, _Topic())
        topic.viewers += 1
        try:
            if not topic.frame:
                await self._refresh(key, topic)
            while True:
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
                self._topics.pop(key, None)

    async def _refresh(self, key: TopicKey, topic: _Topic) -> None:
        overview = await run_in_threadpool(self._overview, key)
        topic.frame = _encode(overview)
        self.frames_made += 1
        changed, topic.changed = topic.changed, asyncio.Event()
        changed.set()


def _encode(overview: Overview) -> bytes:
    return b"id: %d\nevent: overview\ndata: %s\n\n" % (overview.as_of.commit, overview.model_dump_json().encode())
