"""Flows of value: one at a time, and in columns, with what does not change from window to window kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np

from thalweg.design.exchanges import Medium
from thalweg.integer_columns import Integers, exact, joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What flowed along one exchange between two participants for one assignment within the window."""

    #: id of the exchange; one that the design draws, or one that an agreement implies (`thalweg.design.all_exchanges`)
    exchange: str
    source_role: str
    target_role: str
    #: the participant that gives, or `suspense:<role>` for a vacant role
    source: str
    #: the participant that receives, likewise
    target: str
    medium: Medium
    assignment_id: int
    #: in the smallest step of the exchange's unit; where a ratio makes a fraction, rounded half to even
    quantity: int
    #: number of events
    occurrences: int
    #: worth to the giver in atoms; for money, the amount
    v_from_atoms: int
    #: worth to the receiver in atoms; for money, the amount
    v_to_atoms: int
    #: the agreement and its step that this is a share by; None for a charge and for what is not money
    agreement: str | None = None
    step: str | None = None
    #: (role, participant) of all whom the exchange's chain can need, by whichever way, sorted; empty for money
    needs: tuple[tuple[str, str], ...] = ()
    #: of a charge: the part of `quantity` and of `occurrences` that no tariff has a price for
    unrated_quantity: int = 0
    unrated_occurrences: int = 0

    @property
    def is_money(self) -> bool:
        """True for a money flow."""
        return self.medium is Medium.MONEY

    @property
    def money_atoms(self) -> int:
        """The amount of money that flows; 0 for any other medium."""
        return self.v_to_atoms if self.is_money else 0

    @property
    def created_atoms(self) -> int:
        """Value created: worth to the receiver less worth to the giver; 0 for money."""
        return self.v_to_atoms - self.v_from_atoms


class Path(NamedTuple):
    """All of a flow but its numbers; the fields are those of `Flow`."""

    exchange: str
    source_role: str
    target_role: str
    source: str
    target: str
    medium: Medium
    assignment_id: int
    agreement: str | None = None
    step: str | None = None
    needs: tuple[tuple[str, str], ...] = ()

    @property
    def is_money(self) -> bool:
        """True for money."""
        return self.medium is Medium.MONEY


@dataclass(frozen=True, eq=False)
class Paths:
    """The paths of some flows. Windows of one ecosystem mostly share one object: what follows from paths alone, with
    who they are for a key, has to be found once."""

    listed: tuple[Path, ...]

    @cached_property
    def parties(self) -> frozenset[tuple[str, str]]:
        """Every (role, participant) that one of them begins or ends at."""
        return frozenset(
            party
            for path in self.listed
            for party in ((path.source_role, path.source), (path.target_role, path.target))
        )


class Numbers(NamedTuple):
    """The numbers of flows, in columns of equal length; the fields are those of `Flow`."""

    quantity: Integers
    occurrences: Integers
    v_from_atoms: Integers
    v_to_atoms: Integers
    unrated_quantity: Integers
    unrated_occurrences: Integers

    @classmethod
    def joined(cls, parts: Iterable[Numbers]) -> Numbers:
        """Those of several flows behind one another."""
        listed = list(parts)
        return cls(*(joined(columns) for columns in zip(*listed, strict=True))) if listed else _NOTHING


class Flows(Sequence[Flow]):
    """Flows in columns: like a tuple of them, which are made when they are asked for."""

    __slots__ = ("numbers", "paths")

    def __init__(self, paths: Paths, numbers: Numbers) -> None:
        """As many paths as each column has rows."""
        self.paths = paths
        self.numbers = numbers

    @classmethod
    def of(cls, flows: Iterable[Flow]) -> Flows:
        """The same in columns; what is in columns stays as it is."""
        if isinstance(flows, Flows):
            return flows
        listed = list(flows)
        paths = Paths(tuple(Path(*(getattr(flow, name) for name in Path._fields)) for flow in listed))
        return cls(paths, Numbers(*(exact([getattr(flow, name) for flow in listed]) for name in Numbers._fields)))

    def __len__(self) -> int:
        return len(self.paths.listed)

    def __iter__(self) -> Iterator[Flow]:
        rows = zip(*(each.tolist() for each in self.numbers), strict=True)
        for path, numbers in zip(self.paths.listed, rows, strict=True):
            yield _flow(path, numbers)

    @overload
    def __getitem__(self, place: int) -> Flow: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Flow, ...]: ...
    def __getitem__(self, place: int | slice) -> Flow | tuple[Flow, ...]:
        if isinstance(place, slice):
            return tuple(self)[place]
        return _flow(self.paths.listed[place], tuple(int(each[place]) for each in self.numbers))

    def unrated(self) -> list[Flow]:
        """Those of which a part has no price."""
        is_unrated = (self.numbers.unrated_quantity != 0) | (self.numbers.unrated_occurrences != 0)
        return [self[row] for row in np.flatnonzero(is_unrated).tolist()]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flows | tuple) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # compared by what they hold


_FIELDS = (*Path._fields, *Numbers._fields)
_NOTHING = Numbers(*(np.zeros(0, np.int64) for _ in Numbers._fields))


def _flow(path: Path, numbers: tuple[int, ...]) -> Flow:
    fields: dict[str, Any] = dict(zip(_FIELDS, (*path, *numbers), strict=True))
    return Flow(**fields)
