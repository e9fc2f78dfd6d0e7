"""Agreements that feed each other's pools: each is shared once all that feed it are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from thalweg.allocation.fixed_parts import allocate, require_fixed_parts
from thalweg.allocation.seating import POOL
from thalweg.allocation.sharing import Portion, Shared, share
from thalweg.allocation.state import NEW, State
from thalweg.allocation.terms import Terms
from thalweg.errors import RatingError

_NO_UNITS: Final[Mapping[str, int]] = {}
_NO_STATES: Final[Mapping[str, State]] = {}
_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


def share_all(
    agreements: Mapping[str, Terms],
    bases_atoms: Mapping[str, int],
    participants: Mapping[str, str],
    *,
    units: Mapping[str, int] = _NO_UNITS,
    openings: Mapping[str, State] = _NO_STATES,
    day: date | None = None,
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> Mapping[str, Shared]:
    """Share the bases of some agreements, and by all agreements that their pools lead to.

    By agreement id: `agreements` compiled, `bases_atoms` cumulative from charges (what comes from pools is added),
    `openings` (by default new); `units` by meter id, for all. The participants' shares of all results sum to the bases.
    Raises RatingError for a pool that is not given, for a circle of pools, and what `share` raises.
    """
    inflows = dict(bases_atoms)
    shared: dict[str, Shared] = {}
    for name in _in_order(agreements, tuple(bases_atoms)):
        terms = agreements[name]
        shared[name] = share(
            terms,
            inflows.get(name, 0),
            participants,
            units=units,
            opening=openings.get(name, NEW),
            day=day,
            attributes=attributes,
        )
        for pool, atoms in shared[name].pools.items():
            inflows[pool] = inflows.get(pool, 0) + atoms
    return shared


def allocate_all(
    agreements: Mapping[str, Terms], agreement: str, base_atoms: int, participants: Mapping[str, str]
) -> list[tuple[str, Portion]]:
    """The portions of a base of `agreement` and of all that its pools lead to, each with its agreement's id.

    For agreements that give fixed parts; raises RatingError for others, and what `share_all` raises.
    """
    if not agreements[agreement].agreement.pools:
        return [(agreement, portion) for portion in allocate(agreements[agreement], base_atoms, participants)]
    shared = share_all(agreements, {agreement: base_atoms}, participants)
    for name in shared:
        require_fixed_parts(agreements[name])
    return [
        (name, portion)
        for name, each in shared.items()
        for portion in each.portions
        if not portion.role.startswith(POOL)
    ]


def _in_order(agreements: Mapping[str, Terms], first: tuple[str, ...]) -> list[str]:
    """The agreements that `first` lead to, each behind all that feed it."""
    order: list[str] = []
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in order:
            return
        if name not in agreements:
            raise RatingError(f"the agreement {name!r} is not given: give all whose pools are fed")
        if name in entered:
            raise RatingError(f"what goes to the pool of {name!r} comes back to it: break the circle of pools")
        entered.add(name)
        for pool in sorted(agreements[name].agreement.pools):
            enter(pool)
        order.append(name)

    for name in sorted(first):
        enter(name)
    return order[::-1]
