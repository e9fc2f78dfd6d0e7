"""Patterns of MQTT topics that name levels: `tele/{device}/SENSOR`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NAMED: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
_ANY: Final = "+"
_REST: Final = "#"


class TopicPattern:
    """A compiled pattern."""

    def __init__(self, pattern: str) -> None:
        """Raises ValueError for what is no pattern."""
        self._levels = pattern.split("/")
        self.names = [found.group(1) for level in self._levels if (found := _NAMED.fullmatch(level))]
        for place, level in enumerate(self._levels):
            is_last = place == len(self._levels) - 1
            is_wild = level == _ANY or (level == _REST and is_last) or _NAMED.fullmatch(level)
            if not is_wild and re.search(r"[+#{}]", level):
                raise ValueError(f"level {level!r}: a level is a text, {{name}} or +; the last may be #")
        if len(set(self.names)) != len(self.names):
            raise ValueError("a name stands twice")

    @property
    def filter(self) -> str:
        """The MQTT topic filter to subscribe to."""
        return self.filter_of({})

    def filter_of(self, known: Mapping[str, str]) -> str:
        """The filter of those topics whose named levels are as `known`."""
        names = ((level, _NAMED.fullmatch(level)) for level in self._levels)
        return "/".join(level if name is None else known.get(name.group(1), _ANY) for level, name in names)

    def match(self, topic: str) -> Mapping[str, str] | None:
        """The named levels of `topic`; None for a topic of another form."""
        levels = topic.split("/")
        wanted = self._levels
        if wanted[-1] == _REST:
            wanted = wanted[:-1]
            levels = levels[: len(wanted)]
        if len(levels) != len(wanted):
            return None
        named: dict[str, str] = {}
        for level, own in zip(levels, wanted, strict=True):
            if found := _NAMED.fullmatch(own):
                named[found.group(1)] = level
            elif own not in (_ANY, level):
                return None
        return named
