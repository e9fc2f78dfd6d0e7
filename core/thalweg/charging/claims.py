"""What the lines of charged exchanges claim of their agreements, slice by slice: the bases and units of stage 2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from thalweg.allocation.claims import Claim, Count
from thalweg.allocation.successions import Network, Succession
from thalweg.charging.charges import Charges, Part
from thalweg.charging.scopes import Amounts
from thalweg.design.exchanges import Exchange
from thalweg.design.validity import Slice
from thalweg.errors import RatingError
from thalweg.rating_lines import Bucket, Cell, LineKey, Lines, Row

#: a line, the values of the attributes that steps depend on, and when
Piece = tuple[LineKey, tuple[str, ...], Slice]


class Cumulative:
    """What all quantities up to some moment put into the agreements on an exchange, in atoms."""

    def __init__(
        self, sharing: Succession, exchange: Exchange, roles: set[str], quantities: Lines, charges: Charges
    ) -> None:
        """`roles` are those whose participants tell the lines of `exchange` apart."""
        self._sharing = sharing
        self._exchange = exchange
        self._quantities = quantities
        self._charges = charges
        self.lines = quantities.lines(exchange, roles)
        self.bases: Mapping[Piece, int] = self._bases()

    def _bases(self) -> dict[Piece, int]:
        charged = self._charges.by_part(self._exchange.id, self.lines)
        place_of = {
            row.cell: (number, row.values(self._sharing.attributes))
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
            if self._sharing.version_of(part.slice) is not None
        }

    def _deducted(self) -> dict[Slice, Amounts]:
        """Exact atoms that are taken off before sharing, by the cells of the exchange that is shared."""
        names = self._quantities.group_names(self._exchange)
        taken: defaultdict[Slice, defaultdict[Cell, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for exchange_id in self._sharing.deductions:
            rows = {row.cell: row for row in self._quantities.rows(self._charges.exchange(exchange_id))}
            for piece, amounts in self._charges.by_slice(exchange_id, self._sharing.name).items():
                version = self._sharing.version_of(piece)
                if version is None or exchange_id not in version.deductions:
                    continue
                for cell, amount in amounts.items():
                    taken[piece][cell[0], rows[cell].values(names)] += amount
        return {piece: dict(amounts) for piece, amounts in taken.items()}


def claims_of(
    sharing: Succession, names: Mapping[LineKey, str], after: Cumulative, before: Cumulative | None
) -> Iterator[Claim]:
    """What comes between two moments claims; `after` includes all of `before`, and `names` are those of its lines."""
    was = before.bases if before else {}
    for piece in after.bases.keys() | was.keys():
        key, values, when = piece
        version = sharing.version_of(when)
        assert version is not None, "where no agreement is in force, nothing is claimed"
        yield Claim(
            line=names[key],
            agreement=version.id,
            parties=dict(key[1]),
            attributes=dict(zip(sharing.attributes, values, strict=True)),
            quarter=sharing.start_of(when),
            base_atoms=after.bases.get(piece, 0) - was.get(piece, 0),
            opening_atoms=was.get(piece, 0),
        )


def counts_of(network: Network, quantities: Lines, *, is_opening: bool) -> Iterator[Count]:
    """What the meters of a network's steps counted, each for its own agreement, while something may be put into it."""
    for sharing in network.successions:
        for row, meter, bucket in _counted(sharing, quantities):
            quarter = _timed(sharing, bucket)
            version = sharing.version_of(sharing.slice_of(quarter))
            if version is not None and any(span.holds(quarter) for span in sharing.fed):
                yield Count(
                    agreement=version.id,
                    meter=meter,
                    parties={role: quantities.party(row, role) for role in sharing.roles},
                    attributes={name: row.attributes[name] for name in sharing.attributes},
                    quarter=quarter,
                    units=bucket.quantity,
                    is_opening=is_opening,
                )


def _counted(sharing: Succession, quantities: Lines) -> Iterator[tuple[Row, str, Bucket]]:
    for meter in sharing.meters:
        for row, buckets in quantities.counted(meter):
            for bucket in buckets:
                yield row, meter, bucket


def _timed(sharing: Succession, bucket: Bucket) -> int:
    if bucket.quarter is None:
        names = " and ".join(repr(agreement.id) for _, agreement in sharing.versions)
        raise RatingError(
            f"sharing by {names} depends on time: give the quantities that it counts by quarter hour (`bucket`)"
        )
    return bucket.quarter
