"""Events of many batches by columns, as `columns_decoder` makes them and `thalweg.mapping_columns` measures them.

Needs NumPy, which the edge does without: nothing that the edge imports may import this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import WireError
from thalweg.integer_columns import Integers, Places
from thalweg.wire.batch import AttributeValue, Event, Shape
from thalweg.wire.varint_columns import unzigzag


@dataclass(frozen=True, slots=True)
class Columns:
    """The events of many batches in their order, one row each; a batch that cannot be decoded has none."""

    #: position of a batch → why it cannot be decoded
    problems: Mapping[int, WireError]
    #: all different, in the order of their first definition
    shapes: tuple[Shape, ...]
    #: all different, in the order of their first definition
    strings: tuple[str, ...]
    #: position of the row's batch among all that were given
    batch: Places
    #: place within its batch: the event's seq is the batch's first seq plus this
    offset: Places
    #: Unix time in ms, or the uptime in an unsynchronised batch; Python integers if one of them exceeds 64 bits
    at_ms: Integers
    #: in the smallest step of the kind's unit
    quantity: NDArray[np.int64]
    #: position of the row's shape in `shapes`
    shape: Places
    #: what the attributes' values come from, as in the packed form: signed integers in zigzag, texts as numbers
    numbers: NDArray[np.uint64]
    #: where the values of each row's attributes begin in `numbers`
    first_value: Places
    #: by batch: where its own numbering of strings begins in `string_places`
    first_string: Places
    #: a batch's own numbering of its strings → position in `strings`
    string_places: Places

    def __len__(self) -> int:
        return len(self.batch)

    def integers(self, rows: Places, place: int) -> NDArray[np.int64]:
        """Of rows of one shape: the values of the integer attribute at `place` in the shape."""
        return unzigzag(self.numbers[self.first_value[rows] + place])

    def texts(self, rows: Places, place: int) -> Places:
        """Of rows of one shape: the positions in `strings` of the string attribute at `place` in the shape."""
        own = self.own_texts(rows, place).astype(np.intp)
        texts: Places = self.string_places[self.first_string[self.batch[rows]] + own]
        return texts

    def own_texts(self, rows: Places, place: int) -> NDArray[np.uint64]:
        """The same as each batch numbers its own strings."""
        own: NDArray[np.uint64] = self.numbers[self.first_value[rows] + place]
        return own

    def rows_by_shape(self, rows: Places) -> Iterator[tuple[Shape, Places]]:
        """Each shape that occurs among `rows`, with the rows that have it, in their order."""
        shape_of_row = self.shape[rows]
        if not len(rows) or (shape_of_row == shape_of_row[0]).all():
            yield from [(self.shapes[place], rows) for place in shape_of_row[:1]]
            return
        by_shape = np.argsort(shape_of_row, kind="stable")
        firsts = np.flatnonzero(np.diff(shape_of_row[by_shape])) + 1
        for own in np.split(by_shape, firsts):
            yield self.shapes[shape_of_row[own[0]]], rows[own]

    def attributes(self, shape: Shape, rows: Places) -> list[dict[str, AttributeValue]]:
        """Of rows of one shape: the attributes of each."""
        values: list[list[AttributeValue]] = [
            [self.strings[text] for text in self.texts(rows, place).tolist()]
            if is_string
            else self.integers(rows, place).tolist()
            for place, (_, is_string) in enumerate(shape.attributes)
        ]
        names = [name for name, _ in shape.attributes]
        return (
            [dict(zip(names, own, strict=True)) for own in zip(*values, strict=True)] if names else [{} for _ in rows]
        )

    def event(self, row: int) -> Event:
        """One row as an event."""
        shape = self.shapes[self.shape[row]]
        [attributes] = self.attributes(shape, np.array([row]))
        return Event(int(self.at_ms[row]), shape.kind, int(self.quantity[row]), shape.is_exchange, attributes)

    def without(self, problems: Mapping[int, WireError]) -> Columns:
        """All but the events of some batches, which turn out to have problems."""
        if not problems:
            return self
        kept = ~np.isin(self.batch, list(problems))
        return replace(
            self,
            problems={**self.problems, **problems},
            batch=self.batch[kept],
            offset=self.offset[kept],
            at_ms=self.at_ms[kept],
            quantity=self.quantity[kept],
            shape=self.shape[kept],
            first_value=self.first_value[kept],
        )
