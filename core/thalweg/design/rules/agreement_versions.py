"""Rules on agreements that follow each other: one at a time, and one whenever there is something to share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from thalweg.design.agreements import Agreement
from thalweg.design.draft import Draft
from thalweg.design.quarters import period_start
from thalweg.design.rules import validity
from thalweg.design.validity import Validity, gaps_between
from thalweg.errors import Problem

#: path and agreement
Entry = tuple[str, Agreement]


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    yield from version_problems(draft.agreements.entries, draft.zone)
    if not draft.agreements.is_complete:
        return
    versions: defaultdict[str, list[Entry]] = defaultdict(list)
    for path, agreement in draft.agreements.entries:
        if agreement.on is not None:
            versions[agreement.on].append((path, agreement))
    for paid, entries in versions.items():
        yield from _gaps(draft, paid, entries)


def version_problems(entries: Sequence[Entry], zone: str | None) -> Iterator[Problem]:
    """Problems of agreements among each other: on one exchange they do not overlap, and have equal periods."""
    fed = {pool for _, agreement in entries for pool in agreement.pools}
    earlier: defaultdict[str, list[Entry]] = defaultdict(list)
    for path, agreement in entries:
        yield from validity.problems(path, agreement, zone)
        if agreement.is_dated and (agreement.on is None or agreement.id in fed):
            key = "valid_from" if agreement.valid_from is not None else "valid_until"
            message = "a pool is in force whenever something is put into it"
            yield Problem(f"{path}.{key}", message, "date the agreements that feed it")
        if agreement.on is None:
            continue
        for other_path, other in earlier[agreement.on]:
            if validity.overlap(agreement, other, zone):
                message = f"the charge {agreement.on!r} is shared by {other.id!r} already"
                remedy = "put all steps into one agreement, or let one follow the other: `valid_from`, `valid_until`"
                yield Problem(f"{path}.on", message, remedy)
                break
            if agreement.period is not other.period:
                message = f"{other.id!r}, another version, has another `period`"
                yield Problem(f"{path}.period", message, "give all versions the same `period`")
                break
            yield from _whole_minimum(path, agreement, other, zone)
            yield from _whole_minimum(other_path, other, agreement, zone)
        earlier[agreement.on].append((path, agreement))


def _whole_minimum(path: str, agreement: Agreement, other: Agreement, zone: str | None) -> Iterator[Problem]:
    """Problems of minimums that would be due twice in a period in which one version follows another."""
    spans = [validity.known_validity(each, zone) for each in (agreement, other)]
    cuts = set.intersection(*(set(span.cuts) if span else set() for span in spans))
    if zone is None or all(period_start(cut, agreement.period, zone) == cut for cut in cuts):
        return
    for number, guarantee in enumerate(agreement.guarantees):
        if guarantee.prorate == "none":
            message = f"in the {agreement.period} that it shares with {other.id!r}, the whole minimum would be due"
            remedy = f"set `prorate: days`, or let one version follow the other at the end of a {agreement.period}"
            yield Problem(f"{path}.guarantees[{number}].prorate", message, remedy)


def _gaps(draft: Draft, paid: str, entries: list[Entry]) -> Iterator[Problem]:
    """Problems where a tariff charges `paid` and none of its agreements is in force, though it has some."""
    spans = [
        (span, path, agreement)
        for path, agreement in entries
        if (span := validity.known_validity(agreement, draft.zone)) is not None
    ]
    tariffs = [validity.known_validity(each, draft.zone) for _, each in draft.tariffs.entries if each.on == paid]
    charged = [each for each in tariffs if each is not None]
    if len(spans) < len(entries):
        return
    spans.sort(key=lambda each: each[0])
    gaps = gaps_between([span for span, _, _ in spans])
    for gap, (_, path, agreement) in zip(gaps, spans, strict=False):
        if _is_charged(gap, charged):
            message = f"before {agreement.id!r} begins, {paid!r} is charged and no agreement shares it"
            remedy = "begin earlier, or write an agreement for that time, even one that leaves all to the payee"
            yield Problem(f"{path}.valid_from", message, remedy)
    if _is_charged(gaps[-1], charged):
        _, path, agreement = spans[-1]
        message = f"after {agreement.id!r} ends, {paid!r} is charged and no agreement shares it"
        yield Problem(f"{path}.valid_until", message, "leave it out, or write the agreement that follows")


def _is_charged(gap: Validity, charged: list[Validity]) -> bool:
    return gap.start < gap.end and any(each.overlaps(gap) for each in charged)
