"""The definitions of many batches: each distinct section is read once, and equal strings and shapes get one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from thalweg.wire.batch import Shape, read_definitions

#: longer sections are read each time, so that the cache's memory has a bound
_MAX_CACHED_BYTES: Final = 2048
_CACHED_SECTIONS: Final = 2048


class Section(NamedTuple):
    """Where the own numbering of one distinct definitions section is found in the tables."""

    first_string: int
    first_shape: int
    strings: int
    shapes: int


@dataclass(slots=True)
class DefinitionTables:
    """The strings and shapes of a number of batches, each different one once."""

    #: different strings and shapes → their places
    strings: dict[str, int] = field(default_factory=dict)
    shapes: dict[Shape, int] = field(default_factory=dict)
    #: the numberings of all distinct sections, one behind the other → places
    string_places: list[int] = field(default_factory=list)
    shape_places: list[int] = field(default_factory=list)
    _sections: dict[bytes, Section] = field(default_factory=dict)

    def add(self, definitions: bytes) -> Section:
        """Where the numbering of `definitions` is found; raises MalformedMessage."""
        section = self._sections.get(definitions)
        if section is None:
            strings, shapes = _read(definitions)
            places = self.string_places, self.shape_places
            section = Section(len(places[0]), len(places[1]), len(strings), len(shapes))
            self.string_places += map(self.string, strings)
            self.shape_places += map(self.shape, shapes)
            self._sections[definitions] = section
        return section

    def string(self, string: str) -> int:
        """The place of `string`."""
        return self.strings.setdefault(string, len(self.strings))

    def shape(self, shape: Shape) -> int:
        """The place of `shape`."""
        return self.shapes.setdefault(shape, len(self.shapes))

    def number_all(self) -> int:
        """Add a numbering in which every string so far has its own place; where it begins in `string_places`."""
        first = len(self.string_places)
        self.string_places += range(len(self.strings))
        return first


def _read(definitions: bytes) -> tuple[tuple[str, ...], tuple[Shape, ...]]:
    return (_read_cached if len(definitions) <= _MAX_CACHED_BYTES else _read_once)(definitions)


def _read_once(definitions: bytes) -> tuple[tuple[str, ...], tuple[Shape, ...]]:
    strings, shapes = read_definitions(definitions, 0, len(definitions))
    return tuple(strings), tuple(shapes)


_read_cached = lru_cache(maxsize=_CACHED_SECTIONS)(_read_once)
