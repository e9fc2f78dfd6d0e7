"""Agreements that give fixed parts of the base, whatever was before: shared by a multiplication and a table.

With the agreement's scale as the base, every part is whole. So a base is shared like its multiple of the scale, and
what is over like a base of that size: the table of these holds how the last atoms fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from thalweg.allocation.arithmetic import EXACT
from thalweg.allocation.sharing import Portion, share
from thalweg.allocation.state import NEW
from thalweg.allocation.terms import Terms, compile_terms
from thalweg.allocation.waterfall import Basis, takes
from thalweg.design.agreements import Agreement
from thalweg.errors import RatingError

#: a table is kept for scales up to this
_LARGEST_TABLE: Final = 1 << 16
_new: Final = tuple.__new__


def allocate(agreement: Agreement | Terms, base_atoms: int, participants: Mapping[str, str]) -> tuple[Portion, ...]:
    """The portions of `base_atoms` by an agreement that gives fixed parts; they are those of `share`.

    `participants` says who fills each role that the agreement names. Who allocates often compiles the agreement once.
    Raises RatingError for an agreement that needs more than a base: units, what has accumulated, a day, attributes or
    the agreements that it feeds (`share`, `share_all`, `book`).
    """
    terms = agreement if isinstance(agreement, Terms) else compile_terms(agreement)
    return _fixed_parts(terms, tuple(map(participants.get, terms.roles))).portions(base_atoms)


def require_fixed_parts(terms: Terms) -> None:
    """Raise RatingError for an agreement that needs more than a base."""
    if terms.has_state or terms.has_conditions:
        name = terms.agreement.id
        raise RatingError(f"agreement {name!r} gives no fixed parts: share it with all that it depends on")


class _FixedParts:
    """The parts of one agreement and its participants."""

    def __init__(self, terms: Terms, participants: Mapping[str, str]) -> None:
        require_fixed_parts(terms)
        if terms.agreement.pools:
            raise RatingError(
                f"agreement {terms.agreement.id!r} feeds pools: share it with the agreements that it feeds"
            )
        self._terms = terms
        self._participants = participants
        self._scale = terms.scale
        self._parts = share(terms, terms.scale, participants).portions
        exact = takes(terms, Basis(terms.scale, {}, NEW, frozenset()), EXACT)
        is_whole = terms.scale <= _LARGEST_TABLE and all(type(each.amount) is int for each in exact)
        self._table: dict[int, tuple[int, ...]] | None = {} if is_whole else None

    def portions(self, base_atoms: int) -> tuple[Portion, ...]:
        """The portions of a base."""
        if self._table is None:
            return share(self._terms, base_atoms, self._participants).portions
        if base_atoms < 0:
            return tuple([portion._replace(atoms=-portion.atoms) for portion in self.portions(-base_atoms)])
        times, over = divmod(base_atoms, self._scale)
        last = self._table.get(over)
        if last is None:
            last = tuple([portion.atoms for portion in share(self._terms, over, self._participants).portions])
            self._table[over] = last
        # Portion(...) would check its arguments one by one, which takes longer than sharing them
        return tuple(
            [
                _new(Portion, (step, role, participant, times * part + atoms))
                for (step, role, participant, part), atoms in zip(self._parts, last, strict=True)
            ]
        )


@lru_cache(maxsize=4096)
def _fixed_parts(terms: Terms, filled: tuple[str | None, ...]) -> _FixedParts:
    participants = {role: participant for role, participant in zip(terms.roles, filled, strict=True) if participant}
    return _FixedParts(terms, participants)
