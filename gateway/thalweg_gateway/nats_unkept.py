"""Messages at QoS 0 of devices that are not ours: the server keeps none, so the gateway hears them as they are sent.

Our own devices send nothing that matters at QoS 0; plugs and bridges of others often know nothing else. As with any
broker, such a message is lost when nobody listens. What was sent at QoS 1 is heard here too, and comes by the stream.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from thalweg.profiles.topics import TopicPattern
from thalweg_gateway.nats_reader import Note
from thalweg_gateway.nats_subjects import subjects_of, topic_of

_LOG = logging.getLogger(__name__)
#: several gateways share what is heard: each message goes to one of them
_QUEUE: Final = b"gateway"
#: how a server marks what an MQTT client sent at QoS 1 or 2
_KEPT: Final = (b"Nmqtt-Pub:1", b"Nmqtt-Pub:2")


class Unkept:
    """What is heard on the topics of some filters."""

    def __init__(self, filters: Sequence[str], most: int) -> None:
        """`most`: how many messages may wait in this process before more are lost."""
        self._patterns = [TopicPattern(each) for each in filters]
        #: number of a subscription → place of its filter
        self._places: dict[bytes, int] = {}
        lines = []
        for place, each in enumerate(filters):
            for subject in subjects_of(each):
                number = b"unkept%d" % len(self._places)
                self._places[number] = place
                lines.append(b"SUB %b %b %b\r\n" % (subject.encode(), _QUEUE, number))
        #: what is sent to a server to hear them
        self.subscriptions: Final = b"".join(lines)
        self._most = most
        self._lost = 0

    def is_heard(self, note: Note) -> bool:
        """Whether a message of one of these subscriptions is here."""
        return note.kind in self._places

    def topic(self, note: Note, waiting: int) -> str | None:
        """The topic of what was heard; None for what comes another way, or is lost because too many are `waiting`."""
        if any(mark in note.head for mark in _KEPT):
            return None
        topic = topic_of(note.subject.decode(errors="replace"))
        place = self._places[note.kind]
        if any(pattern.match(topic) is not None for pattern in self._patterns[:place]):
            return None  # filters overlap: an earlier one brings it too
        if waiting >= self._most:
            if not self._lost:
                _LOG.warning("the gateway is behind: what devices that are not ours send at QoS 0 is lost meanwhile")
            self._lost += 1
            return None
        if self._lost:
            _LOG.warning("%d messages at QoS 0 were lost while the gateway was behind", self._lost)
            self._lost = 0
        return topic
