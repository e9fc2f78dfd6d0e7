"""Rules on drivers and extracts: owners, indicators, targets and selections that refer to what exists."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from thalweg.design.draft import Draft
from thalweg.design.drivers import Direction, Driver, figures_in
from thalweg.design.fields import exact
from thalweg.design.rules.nodes import ancestors
from thalweg.errors import Problem


def problems(draft: Draft) -> Iterator[Problem]:
    """Breaches, in the document's order."""
    for path, driver in draft.drivers.entries:
        yield from _owners(draft, path, driver)
        for place, figure in figures_in(driver.indicator, f"{path}.indicator"):
            yield from draft.exchanges.unknown(f"{place}.exchange", figure.exchange)
        yield from _target(path, driver)
    for path, extract in draft.extracts.entries:
        for number, node in enumerate(extract.nodes):
            yield from draft.nodes.unknown(f"{path}.nodes[{number}]", node)
            if outer := [other for other in ancestors(draft, node) if other in extract.nodes and other != node]:
                message = f"{node!r} is inside {outer[0]!r}, which the extract names too"
                yield Problem(f"{path}.nodes[{number}]", message, "keep one of both")
        for number, exchange in enumerate(extract.exchanges):
            yield from draft.exchanges.unknown(f"{path}.exchanges[{number}]", exchange)


def _owners(draft: Draft, path: str, driver: Driver) -> Iterator[Problem]:
    for number, owner in enumerate(driver.owners):
        place = f"{path}.owners[{number}]"
        yield from draft.nodes.unknown(place, owner)
        if owner in driver.owners[:number]:
            yield Problem(place, f"{owner!r} owns it twice", "name each owner once")
        for other in ancestors(draft, owner):
            if other in driver.owners and other != owner:
                yield Problem(place, f"{owner!r} is inside {other!r}, who owns it too", "keep one of both")


def _target(path: str, driver: Driver) -> Iterator[Problem]:
    baseline, target = exact(driver.baseline), exact(driver.target)
    if not 0 < exact(driver.threshold) <= Fraction(3, 2):
        yield Problem(f"{path}.threshold", "it is not above 0 and at most 1.5", "write 1 for the target itself")
    if driver.direction is Direction.BAND:
        if driver.target_upper is None or exact(driver.target_upper) <= target:
            yield Problem(
                f"{path}.target_upper", "a band needs an upper end above `target`", "give the band's upper end"
            )
        elif target <= baseline <= exact(driver.target_upper):
            yield Problem(
                f"{path}.baseline", "it lies in the band, so nothing is left to attain", "correct one of both"
            )
        return
    if driver.target_upper is not None:
        yield Problem(f"{path}.target_upper", "only a band has an upper end", "remove it, or make the direction band")
    if (target > baseline) != (driver.direction is Direction.HIGHER) or target == baseline:
        message = f"the target is not {driver.direction} than the baseline"
        yield Problem(f"{path}.target", message, "correct `target`, `baseline` or `direction`")
