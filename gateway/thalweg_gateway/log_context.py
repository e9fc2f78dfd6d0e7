"""What a log line about a message carries beside its words: the device, and the batch."""

from __future__ import annotations

from typing import Any

from thalweg.errors import WireError
from thalweg.wire.forms import read_header
from thalweg.wire.topics import Channel, parse
from thalweg_store.logs import concerning


def about(topic: str, payload: bytes) -> dict[str, Any]:
    """The `extra` of a log call about a message: its device as the topic claims it, its batch when it is one."""
    try:
        place = parse(topic)
    except WireError:
        return {}
    try:
        if place.channel not in (Channel.EVENTS, Channel.EVENTS_JSON):
            return concerning(place.device)
        header = read_header(payload)
    except WireError:
        return concerning(place.device)
    return concerning(place.device, boot=header.boot, first_seq=header.first_seq, count=header.count)
