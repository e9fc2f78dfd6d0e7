"""What the lines of a charged exchange claim of its agreement, period by period: the bases and units of stage 2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from fractions import Fraction

from thalweg.allocation.claims import Claim
from thalweg.charging.charges import Charges, Part
from thalweg.charging.scopes import Amounts
from thalweg.charging.slices import SharingTimes, Slice
from thalweg.design.exchanges import Exchange
from thalweg.errors import RatingError
from thalweg.rating_lines import Bucket, Cell, Line, LineKey, Lines

#: a line, the values of the attributes that steps depend on, and when
Piece = tuple[LineKey, tuple[str, ...], Slice]


class Cumulative:
    """What all quantities up to some moment put into an agreement, in atoms and units."""

    def __init__(
        self, times: SharingTimes, exchange: Exchange, roles: set[str], quantities: Lines, charges: Charges
    ) -> None:
        """`roles` are those whose participants tell the lines of `exchange` apart, which the agreement shares."""
        self._times = times
        self._exchange = exchange
        self._quantities = quantities
        self._charges = charges
        self.lines = quantities.lines(exchange, roles)
        #: atoms
        self.bases: Mapping[Piece, int] = self._bases()
        #: meter id → smallest steps; whether or not there is such a line
        self.units: Mapping[Piece, Mapping[str, int]] = self._units(sorted(roles))

    def _bases(self) -> dict[Piece, int]:
        charged = self._charges.by_part(self._exchange.id, self.lines)
        place_of = {
            row.cell: (number, row.values(self._times.attributes))
            for number, line in enumerate(self.lines)
            for row in line.rows
        }
        less: defaultdict[Part, Fraction] = defaultdict(Fraction)
        for piece, amounts in self._deducted().items():
            for cell, amount in amounts.items():
                if cell in place_of:
                    less[Part(*place_of[cell], piece)] += amount
        return {
            (self.lines[part.line].key, part.attributes, part.slice): charged.get(part, 0)
            - round(less.get(part, Fraction(0)))
            for part in charged.keys() | less.keys()
            if self._times.version_of(part.slice) is not None
        }

    def _deducted(self) -> dict[Slice, Amounts]:
        """Exact atoms that are taken off before sharing, by the cells of the exchange that is shared."""
        names = self._quantities.group_names(self._exchange)
        taken: defaultdict[Slice, defaultdict[Cell, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for exchange_id in self._times.deductions:
            rows = {row.cell: row for row in self._quantities.rows(self._charges.exchange(exchange_id))}
            for piece, amounts in self._charges.by_slice(exchange_id, self._times.name).items():
                version = self._times.version_of(piece)
                if version is None or exchange_id not in version.deductions:
                    continue
                for cell, amount in amounts.items():
                    taken[piece][cell[0], rows[cell].values(names)] += amount
        return {piece: dict(amounts) for piece, amounts in taken.items()}

    def _units(self, roles: list[str]) -> dict[Piece, dict[str, int]]:
        names = self._quantities.group_names(self._exchange)
        units: defaultdict[Piece, dict[str, int]] = defaultdict(dict)
        for meter in self._times.meters:
            for row, buckets in self._quantities.counted(meter):
                own = row._replace(attributes={name: row.attributes[name] for name in names})
                line = row.assignment_id, tuple([(role, self._quantities.party(own, role)) for role in roles])
                for bucket in buckets:
                    piece = self._times.slice_of(self._timed(bucket))
                    if self._times.version_of(piece) is None:
                        continue
                    counted = units[line, own.values(self._times.attributes), piece]
                    counted[meter] = counted.get(meter, 0) + bucket.quantity
        return dict(units)

    def _timed(self, bucket: Bucket) -> int:
        if bucket.quarter is None:
            names = " and ".join(repr(agreement.id) for _, agreement in self._times.versions)
            raise RatingError(
                f"sharing by {names} depends on time: give the quantities that it counts by quarter hour (`bucket`)"
            )
        return bucket.quarter


def claims_of(
    times: SharingTimes, payee: str, after: Cumulative, before: Cumulative | None
) -> tuple[list[Line], list[Claim]]:
    """What comes between two moments claims; `after` includes all of `before`. Claims name lines by their place.

    Behind the lines of `after` come some without quantities, whose parties have units alone.
    """
    pieces = sorted(after.bases.keys() | after.units.keys() | (before.bases.keys() if before else set()))
    lines = list(after.lines)
    known = {line.key for line in lines}
    lines += [Line(key[0], dict(key[1]), Fraction(0), 0, ()) for key in sorted({key for key, *_ in pieces} - known)]
    place_of = {line.key: place for place, line in enumerate(lines)}
    first: dict[tuple[Hashable, int], Slice] = {}
    for key, values, piece in pieces:
        deal = _deal(times, payee, key, values), piece.period
        first[deal] = min(first.get(deal, piece), piece)
    claims = []
    for each in pieces:
        key, values, piece = each
        version = times.version_of(piece)
        assert version is not None, "where no agreement is in force, nothing is claimed"
        was = before.bases.get(each, 0) if before else 0
        units_was = before.units.get(each, {}) if before else {}
        units = {meter: count - units_was.get(meter, 0) for meter, count in after.units.get(each, {}).items()}
        claims.append(
            Claim(
                line=f"{place_of[key]:09d}",
                agreement=version.id,
                parties=dict(key[1]),
                attributes=dict(zip(times.attributes, values, strict=True)),
                day=times.day_of(piece),
                quarter=times.start_of(piece),
                begins_period=first[_deal(times, payee, key, values), piece.period] == piece,
                base_atoms=after.bases.get(each, 0) - was,
                opening_atoms=was,
                units=units,
                opening_units=units_was,
            )
        )
    return lines, claims


def _deal(times: SharingTimes, payee: str, key: LineKey, values: tuple[str, ...]) -> Hashable:
    """What has sums of its own: the participants who share, and the attributes that they share by."""
    return tuple([party for party in key[1] if party[0] == payee or party[0] in times.recipients]), values
