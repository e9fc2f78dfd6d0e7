"""Coalition games, held as Harsanyi dividends: what each set of nodes creates that none of its subsets does.

v(S) is the sum of the dividends within S. A chain in which everybody is needed is one dividend; alternatives are a
few more, by inclusion and exclusion. So every figure here is exact, however many nodes there are.
Sources: Shapley (1953); Harsanyi (1959), whose dividends make the Shapley value a sum over equal parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import lcm

Coalition = frozenset[str]
Dividends = Mapping[Coalition, int]


@dataclass(frozen=True)
class Game:
    """What every coalition of nodes could create, in atoms."""

    #: coalition → dividend; none is zero, none belongs to the empty coalition
    dividends: Dividends

    @cached_property
    def players(self) -> Coalition:
        """Everybody on whom something depends."""
        return frozenset().union(*self.dividends)

    @cached_property
    def total(self) -> int:
        """v of all players together."""
        return sum(self.dividends.values())

    @cached_property
    def has_alternatives(self) -> bool:
        """True where two or more nodes together are worth less than their parts, as with alternatives."""
        return any(dividend < 0 for coalition, dividend in self.dividends.items() if len(coalition) > 1)

    @cached_property
    def lost_without(self) -> Mapping[str, int]:
        """Player → v of all less v of all others."""
        lost: defaultdict[str, int] = defaultdict(int)
        for coalition, dividend in self.dividends.items():
            for player in coalition:
                lost[player] += dividend
        return dict(lost)

    @cached_property
    def shapley(self) -> Mapping[str, Fraction]:
        """Player → φ: each dividend shared equally among those that it depends on."""
        common = lcm(*(len(coalition) for coalition in self.dividends))
        shares: defaultdict[str, int] = defaultdict(int)
        for coalition, dividend in self.dividends.items():
            part = dividend * (common // len(coalition))
            for player in coalition:
                shares[player] += part
        return {player: Fraction(share, common) for player, share in shares.items()}

    def worth(self, coalition: Collection[str]) -> int:
        """v of the coalition."""
        within = frozenset(coalition)
        return sum(dividend for needed, dividend in self.dividends.items() if needed <= within)

    def seen_as(self, player_of: Callable[[str], str]) -> Game:
        """The same game between the nodes that the players are parts of."""
        merged: defaultdict[Coalition, int] = defaultdict(int)
        for coalition, dividend in self.dividends.items():
            merged[frozenset(map(player_of, coalition))] += dividend
        return Game({coalition: dividend for coalition, dividend in merged.items() if dividend})


def game_of(ways: Iterable[tuple[tuple[Coalition, int], ...]]) -> Game:
    """The game in which each entry's first possible way is gone, in its order.

    An entry lists (who is needed, what it is worth); the first is what really happened, the others stand in for it.
    """
    dividends: defaultdict[Coalition, int] = defaultdict(int)
    for entry in ways:
        #: coalition U → c such that Σ c·[U ⊆ S] is 1 where none of the ways so far is possible for S, else 0
        impossible: dict[Coalition, int] = {frozenset(): 1}
        for needed, worth in entry:
            possible: defaultdict[Coalition, int] = defaultdict(int)
            for others, sign in impossible.items():
                possible[others | needed] += sign
            for coalition, sign in possible.items():
                dividends[coalition] += sign * worth
                impossible[coalition] = impossible.get(coalition, 0) - sign
    return Game({coalition: dividend for coalition, dividend in dividends.items() if dividend and coalition})


def game_from(worth: Callable[[Coalition], int], players: Collection[str]) -> Game:
    """The game that `worth` gives coalition by coalition; takes 3^n steps, so n is small."""
    dividends: dict[Coalition, int] = {}
    for size in range(1, len(players) + 1):
        for members in combinations(sorted(players), size):
            coalition = frozenset(members)
            below = sum(dividend for part, dividend in dividends.items() if part < coalition)
            dividends[coalition] = worth(coalition) - below
    return Game({coalition: dividend for coalition, dividend in dividends.items() if dividend})
