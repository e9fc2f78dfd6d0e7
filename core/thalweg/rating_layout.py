"""Who exchanges what with whom, as far as sources and assignments say: all of rating that numbers have no part in.

It is the same for every window in which the same devices measured something for the same parties; so it is made once
and remembered, and rating a window is arithmetic on columns (`thalweg.rating_columns`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from thalweg.allocation import Terms
from thalweg.allocation.seating import Seat, seating
from thalweg.design.agreements import Agreement, recipients_of
from thalweg.design.exchanges import Exchange
from thalweg.design.meters import Meter, meter_hash
from thalweg.design.nodes import Node
from thalweg.design.ratios import measure_of
from thalweg.design.roles import participant_of
from thalweg.design.shares import share_exchanges
from thalweg.design.ways import Ways
from thalweg.flows import Path, Paths
from thalweg.integer_columns import Places
from thalweg.plan import DesignPlan
from thalweg.quantities import Source
from thalweg.rating_lines import Assignments, check_source

#: no line
NONE: Final = -1
#: one is some megabytes for a thousand sources
_REMEMBERED: Final = 16
_NO_PLACES: Final = np.zeros(0, np.intp)


class LineUp(NamedTuple):
    """The lines of one meter: what has the same assignment and the same parties in some roles is one line."""

    assignment_ids: tuple[int, ...]
    #: role → participant, of each line
    parties: tuple[Mapping[str, str], ...]
    #: place of a source → its line; NONE for those of other meters
    of_source: Places


class Alike(NamedTuple):
    """Lines that an agreement shares alike to the last atom: their recipients coincide and sort alike."""

    lines: Places
    #: role → a name that stands for its participant
    participants: Mapping[str, str]


class Sharing(NamedTuple):
    """How the lines of a charge are shared, by an agreement of fixed parts."""

    terms: Terms
    alike: tuple[Alike, ...]
    #: places of the seats that are paid along an exchange: what the payee gets by its own agreement, it has already
    paid: tuple[int, ...]
    #: exchange that is taken off before → place of a source → the line that it is taken off, or NONE
    deducted: Mapping[str, Places]


class Part(NamedTuple):
    """One exchange that is rated in columns."""

    exchange: Exchange
    #: smallest steps of the exchange's unit for one of its meter's
    factor: Fraction
    lines: LineUp
    #: of its flows in their order: line by line, a charge before its shares
    paths: tuple[Path, ...]
    #: of a charge: the combinations of attributes that its prices depend on; place of a source → the one that it has
    attributes: tuple[Mapping[str, str], ...] = ()
    combinations: Places = _NO_PLACES
    sharing: Sharing | None = None


class Layout:
    """Some sources under one design. Immutable, and safe to share between threads."""

    def __init__(self, plan: DesignPlan, sources: tuple[Source, ...], assignments: Assignments) -> None:
        """Raises RatingError for an assignment that is not given, and for a group that does not fit its meter."""
        self._plan = plan
        self._design = design = plan.design
        self._sources = sources
        self._assignments = assignments
        self._nodes = {node.id: node for node in design.nodes}
        self._ways = Ways(design.chains, design.exchanges)
        self._paid_along = share_exchanges(design)
        self._agreements = {each.on: each for each in design.agreements if each.on is not None}
        self._line_ups: dict[tuple[str, tuple[str, ...]], LineUp] = {}
        #: by exchange id, in the design's order: all that is not money, and linear charges (`ChargePlan.is_linear`)
        self.parts: Mapping[str, Part] = {each.id: part for each in design.exchanges for part in self._parts(each)}
        self.paths = Paths(tuple(path for part in self.parts.values() for path in part.paths))

    def _parts(self, exchange: Exchange) -> Iterator[Part]:
        if not exchange.is_money:
            yield self._worth(exchange)
        elif exchange.id in self._plan.charges.exchanges and self._plan.charges.is_linear(exchange.id):
            yield self._charge(exchange)

    def _worth(self, exchange: Exchange) -> Part:
        meter, factor = measure_of(self._design, exchange)
        lines = self._line_up(meter, self._ways.roles(exchange.id))
        needs = [tuple(sorted(parties.items())) for parties in lines.parties]
        paths = [_path(exchange, lines, number)._replace(needs=each) for number, each in enumerate(needs)]
        return Part(exchange, factor, lines, tuple(paths))

    def _charge(self, exchange: Exchange) -> Part:
        meter, factor = measure_of(self._design, exchange)
        agreement = self._agreements.get(exchange.id)
        recipients = recipients_of(agreement, self._design.agreements) if agreement else frozenset[str]()
        lines = self._line_up(meter, {exchange.source, exchange.target, *recipients})
        names = self._plan.charges.exchanges[exchange.id].attributes
        own = np.flatnonzero(lines.of_source != NONE).tolist()
        values = {source: self._values(meter, source, names) for source in own}
        number_of = {each: number for number, each in enumerate(dict.fromkeys(values.values()))}
        sharing, seats = self._sharing(exchange, meter, lines, agreement) if agreement else (None, [])
        along = [(self._paid_along[exchange.target, seat.role], seat.step) for seat in seats]
        paths = [
            path
            for number in range(len(lines.parties))
            for path in (
                _path(exchange, lines, number),
                *(
                    _path(paid, lines, number)._replace(agreement=agreement.id, step=step)
                    for paid, step in along
                    if agreement
                ),
            )
        ]
        attributes = tuple(dict(zip(names, each, strict=True)) for each in number_of)
        combinations = self._by_source({source: number_of[each] for source, each in values.items()})
        return Part(exchange, factor, lines, tuple(paths), attributes, combinations, sharing)

    def _sharing(
        self, exchange: Exchange, meter: Meter, lines: LineUp, agreement: Agreement
    ) -> tuple[Sharing, list[Seat]]:
        terms = self._plan.agreements[agreement.id]
        together: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, parties in enumerate(lines.parties):
            together[_ranks([parties[role] for role in terms.roles])].append(number)
        seats = seating(terms, dict.fromkeys(terms.roles, "")).seats
        paid = [place for place, seat in enumerate(seats) if seat.role != exchange.target]
        sharing = Sharing(
            terms,
            tuple(
                Alike(np.array(own, np.intp), dict(zip(terms.roles, ranks, strict=True)))
                for ranks, own in together.items()
            ),
            tuple(paid),
            {each: self._deducted(each, meter, lines) for each in agreement.deductions},
        )
        return sharing, [seats[place] for place in paid]

    def _deducted(self, exchange_id: str, meter: Meter, lines: LineUp) -> Places:
        """What is measured for the same assignment and the same groups as a line is taken off it."""
        taken = self._plan.charges.exchanges[exchange_id].exchange
        other, _ = measure_of(self._design, taken)
        line_of = {
            (source.assignment_id, source.group): line
            for source, line in zip(self._sources, lines.of_source.tolist(), strict=True)
            if line != NONE
        }
        taken_from = self._line_up(other, {taken.source, taken.target}).of_source
        found = {}
        for place in np.flatnonzero(taken_from != NONE).tolist():
            key = self._sources[place].assignment_id, self._values(other, place, meter.group_by)
            found[place] = line_of.get(key, NONE)
        return self._by_source(found)

    def _by_source(self, places: Mapping[int, int]) -> Places:
        found = np.full(len(self._sources), NONE, np.intp)
        found[list(places)] = list(places.values())
        return found

    def _values(self, meter: Meter, source: int, names: Iterable[str]) -> tuple[str, ...]:
        attributes = dict(zip(meter.group_by, self._sources[source].group, strict=True))
        return tuple([attributes.get(name, "") for name in names])

    def _line_up(self, meter: Meter, roles: Collection[str]) -> LineUp:
        key = meter.id, tuple(sorted(roles))
        if key not in self._line_ups:
            self._line_ups[key] = self._lined_up(meter, [self._nodes[role] for role in key[1]])
        return self._line_ups[key]

    def _lined_up(self, meter: Meter, nodes: Sequence[Node]) -> LineUp:
        own = meter_hash(meter)
        keys: dict[int, tuple[int, tuple[str, ...]]] = {}
        for place, source in enumerate(self._sources):
            if source.meter_hash == own:
                check_source(meter, source, self._assignments)
                assigned = self._assignments[source.assignment_id]
                attributes = dict(zip(meter.group_by, source.group, strict=True))
                parties = tuple([participant_of(node, assigned, attributes) for node in nodes])
                keys[place] = source.assignment_id, parties
        lines = {key: number for number, key in enumerate(sorted(set(keys.values())))}
        roles = [node.id for node in nodes]
        return LineUp(
            tuple(assignment_id for assignment_id, _ in lines),
            tuple(dict(zip(roles, parties, strict=True)) for _, parties in lines),
            self._by_source({place: lines[key] for place, key in keys.items()}),
        )


def layout_of(plan: DesignPlan, sources: tuple[Source, ...], assignments: Assignments) -> Layout:
    """The layout of `sources`; `assignments` are those of at least all of them. Raises what Layout raises."""
    used = sorted({source.assignment_id for source in sources} & assignments.keys())
    return _remembered(plan, sources, tuple([(each, tuple(sorted(assignments[each].items()))) for each in used]))


@lru_cache(maxsize=_REMEMBERED)
def _remembered(
    plan: DesignPlan, sources: tuple[Source, ...], assigned: tuple[tuple[int, tuple[tuple[str, str], ...]], ...]
) -> Layout:
    return Layout(plan, sources, {each: dict(roles) for each, roles in assigned})


def _path(exchange: Exchange, lines: LineUp, number: int) -> Path:
    parties = lines.parties[number]
    return Path(
        exchange.id,
        exchange.source,
        exchange.target,
        parties[exchange.source],
        parties[exchange.target],
        exchange.medium,
        lines.assignment_ids[number],
    )


def _ranks(participants: Sequence[str]) -> tuple[str, ...]:
    """Names that sort as the participants do, and coincide where they do."""
    rank_of = {participant: f"{rank:09d}" for rank, participant in enumerate(sorted(set(participants)))}
    return tuple([rank_of[participant] for participant in participants])
