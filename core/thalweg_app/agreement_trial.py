"""An agreement tried out on one amount: what `thalweg agreement try` shows, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from thalweg.allocation import Account, Shared, State, Sums, Terms, compile_terms
from thalweg.allocation.breakpoints import breakpoints, in_force_in_words, points_in_words, take_in_words
from thalweg.allocation.pools import share_all
from thalweg.allocation.seating import POOL
from thalweg.allocation.turning_points import turning_points
from thalweg.design.agreement_text import Agreements
from thalweg.design.agreements import Agreement, reached_by, recipients_of
from thalweg.design.periods import midnight
from thalweg.design.quarters import quarter_of
from thalweg.design.validity import Validity, validity_of
from thalweg.errors import RatingError
from thalweg.money import format_atoms, format_minor, parse_atoms, parse_decimal, settle
from thalweg.units import unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What to try an agreement with. Amounts and quantities are decimals as written."""

    gross: str
    #: its id; None if there is one only, or only versions of one: then the one in force on `day`, or last
    agreement: str | None = None
    #: id of another agreement that feeds the same pools → what it shares besides
    also: Mapping[str, str] = field(default_factory=dict)
    #: exchange id → charge that is taken off
    less: Mapping[str, str] = field(default_factory=dict)
    #: meter id → quantity, in the meter's unit
    units: Mapping[str, str] = field(default_factory=dict)
    #: gross that was shared before
    lifetime: str = "0"
    #: account → what has been paid back before
    recouped: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def describe_trial(document: Agreements, trial: Trial) -> dict[str, Any]:
    """Every party's share, step by step; raises RatingError and MoneyError for what cannot be tried."""
    currency = document.currency
    chosen = document.agreements[_chosen(document, trial.agreement, trial.day)]
    terms = {name: compile_terms(each, currency, document.units) for name, each in document.agreements.items()}
    gross = parse_atoms(trial.gross, currency)
    deductions = _known(trial.less, chosen.deductions, "--less", "`base: {net_of: [...]}`")
    base = gross - sum(parse_atoms(amount, currency) for amount in deductions.values())
    besides = _besides(document, chosen, trial.also)
    bases = {chosen.id: base} | {name: parse_atoms(amount, currency) for name, amount in trial.also.items()}
    roles = {role for name in bases for role in recipients_of(document.agreements[name], document.agreements.values())}
    shared = share_all(
        terms,
        bases,
        {role: role for role in roles},
        units=_units(document, terms, trial.units),
        openings={chosen.id: _opening(trial, terms[chosen.id], currency)},
        day=trial.day,
        attributes=trial.attributes,
    )
    parties: dict[str, int] = dict.fromkeys(sorted(roles), 0)
    for each in shared.values():
        for role, atoms in each.by_participant.items():
            parties[role] += atoms
    return {
        "agreement": chosen.id,
        "in_force": in_force_in_words(chosen) if chosen.is_dated else None,
        "other_versions": {
            each.id: in_force_in_words(each) for each in _versions(document, chosen) if each.id != chosen.id
        },
        "besides": {name: format_atoms(bases[name], currency) if name in bases else None for name in besides},
        "currency": currency,
        "gross": format_atoms(gross, currency),
        "base": format_atoms(base, currency),
        "steps": [step for name, each in shared.items() for step in _steps(name, each, currency)],
        "shares": {role: format_atoms(atoms, currency) for role, atoms in parties.items()},
        "settled": {role: format_minor(minor, currency) for role, minor in settle(parties).items()},
        "outstanding": _outstanding(shared.values(), currency),
        "turning_points": points_in_words(
            turning_points(shared[chosen.id].terms, shared[chosen.id].units, shared[chosen.id].opening) or (), currency
        ),
        "words": [
            sentence if name == chosen.id else f"{name}: {sentence}"
            for name, each in shared.items()
            for sentence in breakpoints(each.terms.agreement, currency)
        ],
        "warnings": [str(warning) for warning in document.warnings],
    }


def _chosen(document: Agreements, agreement: str | None, day: date | None) -> str:
    names = ", ".join(document.agreements)
    if agreement is None:
        fed = {pool for each in document.agreements.values() for pool in each.pools}
        first = [each for name, each in document.agreements.items() if name not in fed]
        if len({each.line_of_versions for each in first}) != 1:
            raise RatingError(f"the document has several agreements: choose one of {names} with --id")
        return _in_force(document, _versions(document, first[0]), day)
    if agreement not in document.agreements:
        raise RatingError(f"there is no agreement {agreement!r}: choose one of {names or '(none)'} with --id")
    return agreement


def _versions(document: Agreements, agreement: Agreement) -> list[Agreement]:
    """The agreement and its other versions, in the order of time."""
    versions = [each for each in document.agreements.values() if each.line_of_versions == agreement.line_of_versions]
    return sorted(versions, key=lambda each: validity_of(each, document.zone))


def _in_force(document: Agreements, versions: Sequence[Agreement], day: date | None) -> str:
    """The version in force on `day`, the later one where it has two; without a day, the last of all."""
    if day is None:
        return versions[-1].id
    start, end = (quarter_of(midnight(each, ZoneInfo(document.zone))) for each in (day, day + timedelta(days=1)))
    found = [each.id for each in versions if validity_of(each, document.zone).overlaps(Validity(start, end))]
    if not found:
        known = ", ".join(f"{each.id} ({in_force_in_words(each)})" for each in versions)
        raise RatingError(f"no agreement is in force on {day}: try another --date, or choose one of {known} with --id")
    return found[-1]


def _besides(document: Agreements, chosen: Agreement, also: Mapping[str, str]) -> list[str]:
    """The agreements that feed the pools of the chosen one too, other versions of it aside."""
    known = document.agreements.values()
    pools = {each.id for each in reached_by(chosen, known)[1:]}
    fed = {pool for each in known for pool in each.pools}
    found = [
        each.id
        for each in known
        if (each.on is not None or each.id not in fed)
        and each.line_of_versions != chosen.line_of_versions
        and not pools.isdisjoint(other.id for other in reached_by(each, known))
    ]
    for name in also:
        if name not in found:
            use = f"use one of {', '.join(found)}" if found else "leave the option out"
            raise RatingError(f"--also {name}={also[name]}: {name!r} feeds no pool of {chosen.id!r}: {use}")
    return found


def _units(document: Agreements, terms: Mapping[str, Terms], given: Mapping[str, str]) -> Mapping[str, int]:
    """Meter id → smallest steps, 0 for meters that are not given."""
    meters = sorted({meter for each in terms.values() for meter in each.meters})
    steps = dict.fromkeys(meters, 0)
    for meter, quantity in _known(given, meters, "--units", "a step's `meter`").items():
        exactly = parse_decimal(quantity) * unit(document.units[meter]).steps
        if exactly.denominator != 1:
            raise RatingError(f"{quantity} {document.units[meter]} of {meter} is finer than what is counted")
        steps[meter] = exactly.numerator
    return steps


def _opening(trial: Trial, terms: Terms, currency: str) -> State:
    accounts = [step.account for step in terms.steps if step.account is not None]
    recouped = {
        account: parse_atoms(amount, currency)
        for account, amount in _known(
            trial.recouped, accounts, "--recouped", "a step's `recoup: {account: ...}`"
        ).items()
    }
    return State(
        lifetime=Sums(gross=parse_atoms(trial.lifetime, currency)),
        accounts={account: Account(recouped=atoms, accrued=atoms) for account, atoms in recouped.items()},
    )


def _known(given: Mapping[str, str], names: Iterable[str], option: str, place: str) -> Mapping[str, str]:
    known = list(names)
    for name in given:
        if name not in known:
            use = f"use one of {', '.join(known)}" if known else "leave the option out"
            raise RatingError(f"{option} {name}={given[name]}: {place} does not name {name!r} in this agreement: {use}")
    return given


def _steps(agreement: str, shared: Shared, currency: str) -> Iterable[dict[str, Any]]:
    left = shared.base_atoms
    for step, atoms in zip(shared.terms.agreement.steps, shared.atoms_of_steps, strict=True):
        left -= atoms
        yield {
            "agreement": agreement,
            "step": step.id,
            "takes": take_in_words(shared.terms.agreement, step, currency),
            "amount": format_atoms(atoms, currency),
            "left": format_atoms(left, currency),
            "shares": {
                portion.role.removeprefix(POOL): format_atoms(portion.atoms, currency)
                for portion in shared.portions
                if portion.step == step.id
            },
            "pool": step.pool,
        }


def _outstanding(shared: Iterable[Shared], currency: str) -> dict[str, str]:
    """Account → what is still to be paid back."""
    return {
        step.account: format_atoms(
            int(Fraction(step.amount, each.terms.scale)) - each.closing.accounts[step.account].recouped, currency
        )
        for each in shared
        for step in each.terms.steps
        if step.account is not None
    }
