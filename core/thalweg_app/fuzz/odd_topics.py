"""Topics that no device of the ecosystem publishes to, and that a broker may deliver all the same."""

from __future__ import annotations

import random
from typing import Final

_SEPARATOR: Final = "/"
_CHARACTERS: Final = "\x00\x01\x1f\x7f\x85\u2028 +#$\\'\"%é€😀\ud800\udfff/"
_LEVELS: Final = ("", "+", "#", "$share", "tw1", "TW1", "..", "_gateway", "e", "s", "a", "x", "ej", "\x00", "a" * 33)
_CHANNELS: Final = ("e", "ej", "s")
_LONGEST: Final = 65_535


def odd_topic(chance: random.Random, topic: str) -> str:
    """A topic that is not `topic`, though it may look like it."""
    return chance.choice(_ODDITIES)(chance, topic)


def _shorter(chance: random.Random, topic: str) -> str:
    levels = topic.split(_SEPARATOR)
    return _SEPARATOR.join(levels[: chance.randrange(len(levels))])


def _deeper(chance: random.Random, topic: str) -> str:
    return topic + _SEPARATOR + chance.choice(_LEVELS)


def _with_character(chance: random.Random, topic: str) -> str:
    at = chance.randrange(len(topic) + 1)
    return topic[:at] + chance.choice(_CHARACTERS) + topic[at + chance.randrange(2) :]


def _of_another_ecosystem(chance: random.Random, topic: str) -> str:
    return f"tw1/{_name(chance)}/{topic.split(_SEPARATOR)[2]}/{chance.choice(_CHANNELS)}"


def _of_another_device(chance: random.Random, topic: str) -> str:
    return f"{_SEPARATOR.join(topic.split(_SEPARATOR)[:2])}/{_name(chance)}/{chance.choice(_CHANNELS)}"


def _something_else(chance: random.Random, _topic: str) -> str:
    return chance.choice(("", _SEPARATOR, _SEPARATOR * 3, " ", "\x00", "\ud800", "tw1", "#", "$SYS/broker"))


def _in_capitals(_chance: random.Random, topic: str) -> str:
    return topic.upper()


def _long(chance: random.Random, topic: str) -> str:
    tail = chance.choice("a/é\x00😀") * chance.choice((100, 1000, 5000))
    return (topic + tail)[: chance.choice((200, _LONGEST))]


def _with_level(chance: random.Random, topic: str) -> str:
    levels = topic.split(_SEPARATOR)
    levels[chance.randrange(len(levels))] = chance.choice(_LEVELS)
    return _SEPARATOR.join(levels)


def _name(chance: random.Random) -> str:
    """A name that nobody has, out of a few thousand."""
    return f"nobody-{chance.randrange(4000)}"


_ODDITIES: Final = (
    *(_with_level, _shorter, _deeper, _with_character, _of_another_ecosystem, _of_another_device),
    *(_something_else, _in_capitals, _long),
)
