"""MQTT topics as NATS subjects, level by level, as a NATS server's MQTT side translates them."""

from __future__ import annotations

from typing import Final

_LEVELS: Final = "/"
_TOKENS: Final = "."
_DOT: Final = "//"  # in a token
_EMPTY: Final = "/"  # as a whole token
_WILD: Final = {"+": "*", "#": ">"}
_REST: Final = "/#"


def subject_of(topic: str) -> str:
    """The subject of a topic or topic filter. A server takes no topic with a space in it."""
    return _TOKENS.join(
        _WILD.get(level) or level.replace(_TOKENS, _DOT) or _EMPTY for level in topic.split(_LEVELS)
    )  # fmt: skip


def subjects_of(topic_filter: str) -> list[str]:
    """The subjects that match what a topic filter does: `a/#` is `a` too, and `a.>` is not."""
    whole = [topic_filter.removesuffix(_REST)] if topic_filter.endswith(_REST) else []
    return [subject_of(each) for each in (topic_filter, *whole)]


def topic_of(subject: str) -> str:
    """The topic of a subject."""
    return _LEVELS.join("" if token == _EMPTY else token.replace(_DOT, _TOKENS) for token in subject.split(_TOKENS))
