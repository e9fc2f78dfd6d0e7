"""Sharing what many lines put into agreements and their pools, period after period, and booking the shares on lines.

An agreement is kept once for each set of participants that it shares with: thirty site hosts have thirty accounts under
the same terms, and tiers, caps and accounts go by the sum of all devices and payers that a set of participants has in
common. So is a pool, for those whom it reaches, whoever puts something into it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, TypeVar

from thalweg.allocation.seating import POOL
from thalweg.allocation.sharing import share
from thalweg.allocation.state import NEW
from thalweg.allocation.successions import Deal, Network, Succession
from thalweg.allocation.terms import Terms
from thalweg.design.validity import Slice
from thalweg.money import round_to_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one line adds to an agreement's base in one slice of time."""

    #: names the line; claims of one line in several slices have the same
    line: str
    #: the agreement that is in force then
    agreement: str
    #: role → participant, for all whom the agreement's money may reach, and for its payee
    parties: Mapping[str, str]
    #: those that steps depend on
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: a quarter hour of the slice
    quarter: int
    #: atoms within the window that flows are wanted for
    base_atoms: int
    #: atoms of the same slice before that window
    opening_atoms: int = 0


class Count(NamedTuple):
    """What a meter counted for an agreement, or a pool, within a quarter hour or others of the same slice."""

    agreement: str
    meter: str
    #: as a claim has them
    parties: Mapping[str, str]
    attributes: Mapping[str, str]
    quarter: int
    #: smallest steps
    units: int
    #: True for what it counted before the window that flows are wanted for
    is_opening: bool = False


class Booking(NamedTuple):
    """What a line pays by one step to one role; by line, the bookings of all steps sum to its base."""

    line: str
    agreement: str
    step: str
    role: str
    participant: str
    atoms: int


class _Recipient(NamedTuple):
    """Who gets something by which step; a pool has the role ``pool:<id>``."""

    agreement: str
    step: str
    role: str
    participant: str


class _Origin(NamedTuple):
    """Where money comes from: what one deal has been charged in one slice."""

    succession: str
    deal: Deal
    piece: Slice


class _Base:
    """What a deal has to share in a slice: atoms by where they come from, and units by meter."""

    def __init__(self, meters: Iterable[str]) -> None:
        self.atoms: defaultdict[_Origin, int] = defaultdict(int)
        self.units = dict.fromkeys(meters, 0)

    @property
    def is_empty(self) -> bool:
        """True where nothing has been put in and nothing counted."""
        return not (any(self.atoms.values()) or any(self.units.values()))


#: origin → recipient → atoms
_Shares = Mapping[_Origin, Mapping[_Recipient, int]]


def book(
    agreements: Mapping[str, Terms], network: Network, claims: Iterable[Claim], counts: Iterable[Count] = ()
) -> tuple[Booking, ...]:
    """Share the claims on the agreements of a network, then what these put into its pools.

    The window adds W(opening and window) − W(opening), each with states of its own: so what comes late changes the
    periods behind it too, and windows sum to the whole. That holds for what each deal pays to each recipient: what is
    paid out of a pool is divided, as a part of W, in proportion to what has been put in. Raises what `share` raises.
    """
    before, after = _Books(agreements, network), _Books(agreements, network)
    lines: defaultdict[_Origin, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for claim in claims:
        before.put(claim, claim.opening_atoms)
        origin = after.put(claim, claim.opening_atoms + claim.base_atoms)
        lines[origin][claim.line] += claim.base_atoms
    for count in counts:
        before.count(count, count.units if count.is_opening else 0)
        after.count(count, count.units)
    was, now = before.shared(), after.shared()
    bookings = []
    for origin, bases in lines.items():
        added = {recipient: atoms - was[origin][recipient] for recipient, atoms in now[origin].items()}
        for line, parts in _divided(added, bases):
            bookings += [Booking(line, *recipient, atoms) for recipient, atoms in parts.items() if atoms]
    return tuple(sorted(bookings))


class _Books:
    """All that a network has to share up to some moment."""

    def __init__(self, agreements: Mapping[str, Terms], network: Network) -> None:
        self._agreements = agreements
        self._of = {agreement.id: each for each in network.successions for _, agreement in each.versions}
        self._bases: dict[str, dict[Deal, dict[Slice, _Base]]] = {each.name: {} for each in network.successions}
        self._successions = network.successions

    def put(self, claim: Claim, atoms: int) -> _Origin:
        """Add what is claimed; returns what it is the origin of."""
        succession = self._of[claim.agreement]
        deal, piece = succession.deal_of(claim.parties, claim.attributes), succession.slice_of(claim.quarter)
        origin = _Origin(succession.name, deal, piece)
        self._base(succession, deal, piece).atoms[origin] += atoms
        return origin

    def count(self, count: Count, units: int) -> None:
        """Add what a meter counted."""
        succession = self._of[count.agreement]
        deal, piece = succession.deal_of(count.parties, count.attributes), succession.slice_of(count.quarter)
        self._base(succession, deal, piece).units[count.meter] += units

    def shared(self) -> _Shares:
        """What each origin pays to each recipient, through pools too; call it once."""
        shares: defaultdict[_Origin, defaultdict[_Recipient, int]] = defaultdict(lambda: defaultdict(int))
        for succession in self._successions:
            for deal, pieces in sorted(self._bases[succession.name].items()):
                for piece, portions in self._portions(succession, deal, pieces):
                    for origin, parts in _divided(portions, pieces[piece].atoms):
                        for recipient, atoms in parts.items():
                            if recipient.role.startswith(POOL):
                                self._fed_by(succession, deal, piece, recipient).atoms[origin] += atoms
                            else:
                                shares[origin][recipient] += atoms
        return shares

    def _portions(
        self, succession: Succession, deal: Deal, pieces: Mapping[Slice, _Base]
    ) -> Iterator[tuple[Slice, Mapping[_Recipient, int]]]:
        """Slices in the order of time; each opens with the state that the one before closed with."""
        state, period = NEW, None
        for piece, base in sorted(pieces.items()):
            if piece.period != period:
                state, period = state.next_period(), piece.period
            version = succession.version_of(piece)
            assert version is not None, "where no agreement is in force, nothing is claimed or counted"
            shared = share(
                self._agreements[version.id],
                sum(base.atoms.values()),
                dict(deal.parties),
                units=base.units,
                opening=state,
                day=succession.day_of(piece),
                attributes=dict(deal.attributes),
            )
            # what is listed for the other moment's sake must not bear on what comes behind it
            state = state if base.is_empty else shared.closing
            yield piece, {_Recipient(version.id, *portion[:3]): portion.atoms for portion in shared.portions}

    def _fed_by(self, succession: Succession, deal: Deal, piece: Slice, pool: _Recipient) -> _Base:
        """What has to be shared where a deal feeds a pool."""
        fed = self._of[pool.role.removeprefix(POOL)]
        into = fed.deal_of(dict(deal.parties), dict(deal.attributes))
        return self._base(fed, into, fed.slice_of(succession.start_of(piece)))

    def _base(self, succession: Succession, deal: Deal, piece: Slice) -> _Base:
        pieces = self._bases[succession.name].setdefault(deal, {})
        if piece not in pieces:
            pieces[piece] = _Base(succession.meters)
        return pieces[piece]


K = TypeVar("K", bound=Hashable)


def _divided(amounts: Mapping[_Recipient, int], parts: Mapping[K, int]) -> Iterator[tuple[K, Mapping[_Recipient, int]]]:
    """`amounts`, which sum to what `parts` sum to, divided among the parts: each gets what sums to it.

    In proportion to the parts, gone through in their order: each gets what the sum so far adds, rounded together. Where
    they sum to nothing: in equal parts, and to the last recipient what makes up for the part.
    """
    if len(parts) == 1:
        yield next(iter(parts)), amounts
        return
    names = {" ".join(recipient): recipient for recipient in amounts}
    total, last = sum(parts.values()), max(names, default="")
    so_far, running = dict.fromkeys(names, 0), 0
    for number, (part, size) in enumerate(sorted(parts.items()), start=1):
        running += size
        if total:
            exact = {name: Fraction(amounts[recipient] * running, total) for name, recipient in names.items()}
        else:
            exact = {name: Fraction(amounts[recipient] * number, len(parts)) for name, recipient in names.items()}
            exact[last] += running
        now = round_to_sum(exact)
        yield part, {recipient: now[name] - so_far[name] for name, recipient in names.items()}
        so_far = now
