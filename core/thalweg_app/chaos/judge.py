"""The comparison: device truth = committed = rollups = rated quantity = tallies; nothing lost, nothing doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from thalweg.design import load
from thalweg.rating import rate
from thalweg_app.chaos.report import Verdict
from thalweg_app.chaos.stored import BootRow, Stored
from thalweg_app.chaos.truth import Expected, Identity, Sent, Truth
from thalweg_app.chaos.workload import Sort
from thalweg_store.database import Database
from thalweg_store.reading import reading

#: what one byte changed can be taken for; none of it may advance anything
_CORRUPT_REASONS: Final = frozenset({"bad_signature", "malformed", "unknown_version", "unknown_key_version"})
_CONFLICT: Final = "conflict"
_DIFFERENCES: Final = 5
#: what the drivers pay in the design: 0.50 EUR per kWh, in atoms of 10⁻⁸ EUR per Wh
_ATOMS_PER_WH: Final = 50_000
#: exchanges of the design whose quantity is a meter's
_RATED: Final = {"charging-fee": "energy", "clearing": "sessions", "occupancy-data": "occupancy"}
_FAR: Final = timedelta(days=400)


def rated(database: Database, ecosystem: str) -> Counter[str]:
    """What the read path makes of the store: exchange → quantity, and "money" → atoms that drivers pay."""
    with reading(database, ecosystem) as snapshot:
        design = load(snapshot.ecosystem().design_document)
        quantities = snapshot.quantities(None, datetime.now(UTC) + _FAR)
        flows = rate(design, quantities, snapshot.assignments())
    found: Counter[str] = Counter()
    for flow in flows:
        if flow.exchange in _RATED:
            found[flow.exchange] += flow.quantity
        if flow.exchange == "charging-fee":
            found["money"] += flow.money_atoms
    return found


def all_arrived(truth: Truth, stored: Stored) -> bool:
    """Whether also that has come which no receipt answers: rivals and corrupt messages. One can only wait for it."""
    rejections = stored.rejections()
    corrupt = sum(rejections[reason] for reason in _CORRUPT_REASONS)
    rivals = [each.identity.digest for each in truth.of(Sort.RIVAL)]
    return corrupt >= len(truth.of(Sort.CORRUPT)) and stored.number_of(rivals) >= len(rivals)


def judge(truth: Truth, stored: Stored, found_rated: Mapping[str, int], *, was_restored: bool) -> Iterator[Verdict]:
    """Every comparison, on a system at rest."""
    batches = stored.batches()
    booked = set(batches.get("booked", []))
    winners = booked & {each.identity for each in truth.of(Sort.RIVAL)}
    places = {each[:3] for each in winners}
    losers = {each.identity for each in truth.of(Sort.ORIGINAL) if each.identity[:3] in places}
    yield from _identities(truth, batches, winners, losers)
    # a restore may turn them round: the rival waited at the broker, and comes before its original comes again
    is_right = was_restored or not winners
    yield Verdict(
        name="rivals in their original's place", ok=is_right, expected="any" if was_restored else 0, found=len(winners)
    )
    yield from _losses(truth, batches, losers)
    yield _ranges(truth, stored.boots())
    expected = truth.expected(booked)
    yield from _sums(expected, stored)
    yield _rates(expected, found_rated)
    yield from _refusals(truth, batches, stored.rejections())


def _identities(
    truth: Truth, batches: Mapping[str, list[Identity]], winners: Collection[Identity], losers: Collection[Identity]
) -> Iterator[Verdict]:
    """Of an original and its rival one is booked and the other kept apart, if it came at all; all else is booked.

    An original whose rival came first may never come: the receipt that covers its seqs covers it too.
    """
    originals, rivals = ({each.identity for each in truth.of(sort)} for sort in (Sort.ORIGINAL, Sort.RIVAL))
    booked, conflicts = Counter(batches.get("booked", [])), Counter(batches.get(_CONFLICT, []))
    yield _same("batches booked, each once", Counter(originals.difference(losers)) + Counter(winners), booked)
    apart = Counter(rivals.difference(winners)) + Counter(conflicts.keys() & losers)
    yield _same("conflicts kept apart, each once", apart, conflicts)
    others = {outcome: len(found) for outcome, found in batches.items() if outcome not in ("booked", _CONFLICT)}
    yield Verdict(name="batches of another outcome", ok=not others, expected=0, found=sum(others.values()))


def _losses(truth: Truth, batches: Mapping[str, list[Identity]], losers: Collection[Identity]) -> Iterator[Verdict]:
    """Events that somebody promised to keep and that are not there."""
    held = {identity for found in batches.values() for identity in found}.union(losers)
    messages = [each for each in truth.messages if each.sort is not Sort.CORRUPT]
    yield _none("receipted events lost", (each for each in messages if each.was_receipted), held)
    yield _none("acknowledged events lost", (each for each in messages if each.was_acknowledged), held)
    yield _none("sent events lost", (each for each in messages if each.sent), held)


def _ranges(truth: Truth, boots: Mapping[tuple[str, int], BootRow]) -> Verdict:
    expected = {key: BootRow(end, end, 0, end, 0) for key, end in truth.ends().items()}
    return _same("events committed, by the received ranges", expected, dict(boots), sum(truth.ends().values()))


def _sums(expected: Expected, stored: Stored) -> Iterator[Verdict]:
    quantities, occurrences = stored.flows()
    yield _same("rollups, quantities", expected.flows, quantities, expected.flows.total())
    yield _same("rollups, occurrences", expected.occurrences, occurrences, expected.occurrences.total())
    events, sums = stored.tallies()
    yield _same("tallies, events", expected.tallies, events, expected.tallies.total())
    yield _same("tallies, quantities", expected.tallied, sums, expected.tallied.total())


def _rates(expected: Expected, found: Mapping[str, int]) -> Verdict:
    wanted = {exchange: expected.of_meter(meter) for exchange, meter in _RATED.items()}
    wanted["money"] = expected.of_meter("energy") * _ATOMS_PER_WH
    return _same("rated quantities and money", wanted, dict(found), wanted["money"])


def _refusals(truth: Truth, batches: Mapping[str, list[Identity]], rejections: Counter[str]) -> Iterator[Verdict]:
    corrupt = truth.of(Sort.CORRUPT)
    counted = sum(rejections[reason] for reason in _CORRUPT_REASONS)
    # a rejection is not recognised when it comes again, so what is delivered twice is counted twice
    yield Verdict(
        name="corrupt messages rejected, at least",
        ok=counted >= len(corrupt),
        expected=len(corrupt),
        found=counted,
    )
    held = {identity for found in batches.values() for identity in found}
    taken = [each for each in corrupt if each.identity in held]
    yield Verdict(name="corrupt messages stored", ok=not taken, expected=0, found=len(taken))
    apart, counted = len(batches.get(_CONFLICT, [])), rejections[_CONFLICT]
    yield Verdict(name="conflicts rejected", ok=counted == apart, expected=apart, found=counted)
    others = {reason: number for reason, number in rejections.items() if reason not in {*_CORRUPT_REASONS, _CONFLICT}}
    yield Verdict(
        name="other rejections",
        ok=not others,
        expected=0,
        found=sum(others.values()),
        differences=tuple(f"{reason}: {number}" for reason, number in others.items()),
    )


def _none(name: str, promised: Iterable[Sent], held: Collection[Identity]) -> Verdict:
    lost = [each for each in promised if each.identity not in held]
    return Verdict(
        name=name,
        ok=not lost,
        expected=0,
        found=sum(each.events for each in lost),
        differences=tuple(str(each.identity) for each in lost[:_DIFFERENCES]),
    )


def _same(name: str, expected: Mapping[Any, Any], found: Mapping[Any, Any], total: int | None = None) -> Verdict:
    """Whether both hold the same; `total` stands for what was expected, by default the number of entries."""
    different = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
    different = [key for key in different if expected.get(key) or found.get(key)]  # a sum of zero may have a row
    wanted = len(expected) if total is None else total
    return Verdict(
        name=name,
        ok=not different,
        expected=wanted,
        found=wanted if not different else f"{len(different)} differ",
        differences=tuple(f"{key}: {expected.get(key)} ≠ {found.get(key)}" for key in different[:_DIFFERENCES]),
    )
