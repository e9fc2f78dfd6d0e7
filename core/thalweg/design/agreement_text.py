"""Agreements by themselves, outside a design: to be tried out, or signed, before they are put into one.

Either a design document, or one agreement as a document of its own, with what it needs of a design::

    agreement: store-2026       # its id
    currency: EUR
    meters: {kwh: kWh}          # the units of the meters that its steps name
    steps: [...]

or, where agreements feed each other's pools, several of them: ``currency: EUR``, ``agreements: [{id: …}, …]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from thalweg.design.agreements import Agreement, counted_by
from thalweg.design.rules.agreement_amounts import amount_problems
from thalweg.design.rules.agreement_steps import problems_in_itself
from thalweg.design.rules.agreement_versions import version_problems
from thalweg.design.rules.pools import account_problems, period_problems, pool_problems
from thalweg.design.rules.unreachable import warnings
from thalweg.design.structure import problems as structure_problems
from thalweg.design.text import parse
from thalweg.design.validator import from_document
from thalweg.errors import InvalidDesign, MoneyError, Problem, UnitError
from thalweg.money import minor_digits
from thalweg.units import REGISTRY, unit

_OF_ONE: Final = "agreements[0]"
#: of days in documents that belong to no design
_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True)
class Agreements:
    """The agreements of a document, with what their numbers mean."""

    currency: str
    #: the time zone of their days
    zone: str
    #: meter id → symbol of its unit
    units: Mapping[str, str]
    #: by id, in the document's order
    agreements: Mapping[str, Agreement]
    #: steps that never get anything, and the like
    warnings: tuple[Problem, ...]


def read_agreements(text: str) -> Agreements:
    """The agreements of a YAML or JSON document of one of these forms; raises InvalidDesign with every problem."""
    return agreements_of(parse(text))


def agreements_of(document: Mapping[str, Any]) -> Agreements:
    """The agreements of plain data of one of these forms; raises InvalidDesign with every problem."""
    if "nodes" in document:
        design = from_document(document)
        units = {meter.id: meter.unit for meter in design.meters}
        return _read(design.currency, design.zone, units, design.agreements)
    written = _written(document)
    is_one = "agreements" not in document
    if found := [_renamed(problem, is_one) for problem in _problems(document, written)]:
        raise InvalidDesign(found)
    agreements = tuple(Agreement.model_validate(each) for each in written)
    among = [(f"agreements[{number}]", agreement) for number, agreement in enumerate(agreements)]
    currency, units = document.get("currency", "EUR"), _units(agreements) | document.get("meters", {})
    found = [problem for path, agreement in among for problem in problems_in_itself(path, agreement)]
    found += [problem for path, agreement in among for problem in amount_problems(path, agreement, currency, units)]
    found += version_problems(among, _ZONE)
    found += [*pool_problems(among), *account_problems(among), *period_problems(among), *_unknown_pools(among)]
    if found:
        raise InvalidDesign([_renamed(problem, is_one) for problem in found])
    return _read(currency, _ZONE, units, agreements)


def _read(currency: str, zone: str, units: Mapping[str, str], agreements: tuple[Agreement, ...]) -> Agreements:
    found = [
        problem
        for number, agreement in enumerate(agreements)
        for problem in warnings(f"agreements[{number}]", agreement)
    ]
    return Agreements(currency, zone, units, {agreement.id: agreement for agreement in agreements}, tuple(found))


def _units(agreements: tuple[Agreement, ...]) -> dict[str, str]:
    """The units of meters where the document is silent: what prices are per, what the meter's name is, else counts."""
    symbols = {symbol.casefold(): symbol for symbol in REGISTRY}
    found: dict[str, str] = {}
    for step in (step for agreement in agreements for step in agreement.steps):
        for meter, symbol in counted_by(step):
            found[meter] = symbol or found.get(meter) or symbols.get(meter.casefold(), "count")
    return found


def _written(document: Mapping[str, Any]) -> list[Any]:
    """The agreements as they would stand in a design."""
    if "agreements" in document:
        listed = document["agreements"]
        return listed if isinstance(listed, list) else []
    one = {key: value for key, value in document.items() if key not in ("currency", "meters")}
    if "agreement" in one:
        one = {"id": one.pop("agreement"), **one}
    return [one]


def _problems(document: Mapping[str, Any], written: list[Any]) -> Iterator[Problem]:
    if not written:
        yield Problem("agreements", "this list is empty", "write the agreements as a list")
    if "agreements" in document:
        for key in sorted(document.keys() - {"currency", "meters", "agreements"}):
            yield Problem(key, f"unknown key {key!r}", "only currency, meters and agreements stand here")
    yield from (each for each in structure_problems({"agreements": written}) if each.path.startswith("agreements["))
    try:
        minor_digits(str(document.get("currency", "EUR")))
    except MoneyError as error:
        yield Problem("currency", str(error).partition(";")[0], "use a code of ISO 4217 such as EUR")
    meters = document.get("meters", {})
    if not isinstance(meters, Mapping):
        yield Problem("meters", "no table", "write each meter with its unit, such as {kwh: kWh}")
        return
    for meter, symbol in meters.items():
        try:
            unit(str(symbol))
        except UnitError as error:
            what, _, remedy = str(error).partition("; ")
            yield Problem(f"meters.{meter}", what, remedy)


def _unknown_pools(agreements: list[tuple[str, Agreement]]) -> Iterator[Problem]:
    known = {agreement.id for _, agreement in agreements}
    for path, agreement in agreements:
        for number, step in enumerate(agreement.steps):
            if step.pool is not None and step.pool not in known:
                remedy = f"use one of {', '.join(sorted(known))}; or write both agreements into one document"
                yield Problem(f"{path}.steps[{number}].to.pool", f"{step.pool!r} is not among the agreements", remedy)


def _renamed(problem: Problem, is_one: bool) -> Problem:
    """The problem with the path that it has in a document of one agreement."""
    if not is_one or not problem.path.startswith(_OF_ONE):
        return problem
    path = problem.path.removeprefix(_OF_ONE).removeprefix(".")
    return problem._replace(path="agreement" if path == "id" else path)
