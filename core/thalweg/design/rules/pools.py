"""Rules on agreements among each other: no circle of pools; what one remembers has one owner, and one period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from thalweg.design.agreements import Agreement, reached_by
from thalweg.design.takes import Recoup
from thalweg.errors import Problem


def pool_problems(entries: Iterable[tuple[str, Agreement]]) -> Iterator[Problem]:
    """A problem for each step that feeds a pool from which money would come back; entries are (path, agreement)."""
    known = {agreement.id: agreement for _, agreement in entries}
    for path, agreement in entries:
        for number, step in enumerate(agreement.steps):
            if step.pool is not None and agreement.id in _reached(step.pool, known):
                message = f"what goes to {step.pool!r} comes back to {agreement.id!r}"
                yield Problem(f"{path}.steps[{number}].to.pool", message, "break the circle of pools")


def account_problems(entries: Iterable[tuple[str, Agreement]]) -> Iterator[Problem]:
    """A problem for each account that two agreements recoup: neither would know what the other has paid back.

    Versions of one agreement hand it on.
    """
    owners: dict[str, Agreement] = {}
    for path, agreement in entries:
        for number, step in enumerate(agreement.steps):
            if isinstance(step.take, Recoup):
                account = step.take.recoup.account
                owner = owners.setdefault(account, agreement)
                if owner.line_of_versions != agreement.line_of_versions:
                    message = f"the account {account!r} is recouped by {owner.id!r} already"
                    place = f"{path}.steps[{number}].take.recoup.account"
                    yield Problem(place, message, "recoup it in one agreement")


def period_problems(entries: Iterable[tuple[str, Agreement]]) -> Iterator[Problem]:
    """Problems of pools in a network that remembers something: their periods are those of all that feeds them."""
    known = [agreement for _, agreement in entries]
    reached = {agreement.id: reached_by(agreement, known) for agreement in known if agreement.on is not None}
    for path, pool in entries:
        for feeding in known:
            together = reached.get(feeding.id, ())
            remembers = any(not each.gives_fixed_parts for each in together)
            if pool in together[1:] and remembers and feeding.period != pool.period:
                message = (
                    f"its period is a {pool.period}, but that of {feeding.id!r}, which feeds it, a {feeding.period}"
                )
                yield Problem(f"{path}.period", message, "give both the same period")


def _reached(start: str, known: dict[str, Agreement]) -> set[str]:
    """The agreements that money from the pool `start` passes, itself among them."""
    reached, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if here in known and here not in reached:
            reached.add(here)
            waiting += known[here].pools
    return reached
