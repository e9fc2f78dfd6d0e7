"""Rules on the time in which terms are in force: it begins and ends at moments that exist, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from thalweg.design.agreements import Agreement
from thalweg.design.rules.prices import is_zone, moment_problem
from thalweg.design.tariffs import Tariff
from thalweg.design.validity import Validity, validity_of
from thalweg.errors import Problem


def problems(path: str, terms: Tariff | Agreement, zone: str | None) -> Iterator[Problem]:
    """Breaches of `valid_from` and `valid_until`."""
    for key in ("valid_from", "valid_until"):
        moment = getattr(terms, key)
        if moment is not None and (problem := moment_problem(moment, zone)):
            yield Problem(f"{path}.{key}", problem, "write a quarter hour that exists, such as 2026-01-01T00:15")
    validity = known_validity(terms, zone)
    if validity is not None and validity.start >= validity.end:
        yield Problem(f"{path}.valid_until", "it ends before it begins", "write a later time than `valid_from`")


def known_validity(terms: Tariff | Agreement, zone: str | None) -> Validity | None:
    """When `terms` are in force; None while that cannot be said, which is a problem of its own."""
    moments = [each for each in (terms.valid_from, terms.valid_until) if each is not None]
    if not moments:
        return Validity()
    if zone is None or not is_zone(zone) or any(moment_problem(each, zone) for each in moments):
        return None
    return validity_of(terms, zone)


def overlap(one: Tariff | Agreement, other: Tariff | Agreement, zone: str | None) -> bool:
    """Whether both are in force at some time, as far as that can be said."""
    first, second = known_validity(one, zone), known_validity(other, zone)
    return first is not None and second is not None and first.overlaps(second)
