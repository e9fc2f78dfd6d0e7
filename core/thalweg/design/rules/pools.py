"""Rules on agreements among each other: pools make no circle, and each account is recouped in one agreement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from thalweg.design.agreements import Agreement
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
    """A problem for each account that two agreements recoup: neither would know what the other has paid back."""
    owners: dict[str, str] = {}
    for path, agreement in entries:
        for number, step in enumerate(agreement.steps):
            if isinstance(step.take, Recoup):
                account = step.take.recoup.account
                if owners.setdefault(account, agreement.id) != agreement.id:
                    message = f"the account {account!r} is recouped by {owners[account]!r} already"
                    place = f"{path}.steps[{number}].take.recoup.account"
                    yield Problem(place, message, "send both to one pool, and recoup there")


def _reached(start: str, known: dict[str, Agreement]) -> set[str]:
    """The agreements that money from the pool `start` passes, itself among them."""
    reached, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if here in known and here not in reached:
            reached.add(here)
            waiting += known[here].pools
    return reached
