"""A window is rated once for each state of it, and what is kept is what another reader finds anew."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from thalweg.metrics.figures import Account
from thalweg_api.schemas import WindowName
from thalweg_api.windows import Span, Windows
from thalweg_store.reading import Reading, reading
from thalweg_store.registry import Registry
from worlds.api import ApiWorld
from worlds.gateway import DEVICE, ECOSYSTEM, charge

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def book(world: ApiWorld, wh: int, at: datetime) -> None:
    world.book(world.gateway.batch(charge(wh, at_ms=int(at.timestamp() * 1000))))


def accounts(reader: Reading, span: Span) -> Mapping[str, Account]:
    return Windows(reader, reader.ecosystem().design_document).rated(span).figures.accounts


def test_after_any_change_a_kept_window_is_what_is_found_anew(world: ApiWorld) -> None:
    chance = random.Random(3)  # noqa: S311 - reproducible, no secret
    now = datetime.now(UTC)
    span = Span.ending(WindowName.DAY, now)
    earlier = span.before()
    assert earlier is not None
    registry = Registry(world.gateway.database)
    registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
    for _ in range(12):
        at = now - chance.randrange(48) * HOUR
        if chance.random() < 0.7:
            book(world, chance.randrange(1, 9_000), at)
        else:
            host = chance.choice(["mall-42", "library"])
            registry.assign(ECOSYSTEM, DEVICE, {"host": host}, at, now)
        with reading(world.gateway.database, ECOSYSTEM) as kept, world.gateway.database.snapshot() as connection:
            for asked in (span, earlier):
                assert accounts(kept, asked) == accounts(Reading(connection, ECOSYSTEM), asked)


def test_a_window_is_rated_again_only_when_something_in_it_has_changed(world: ApiWorld) -> None:
    now = datetime.now(UTC)
    span = Span.ending(WindowName.DAY, now)

    def rated() -> tuple[object, object]:
        with reading(world.gateway.database, ECOSYSTEM) as facts:
            windows = Windows(facts, facts.ecosystem().design_document)
            return windows.rated(span), windows.figures_before(span)

    book(world, 1_000, now)
    book(world, 1_000, now - 30 * HOUR)
    present, before = rated()
    assert rated()[0] is present
    book(world, 2_000, now)
    again, before_again = rated()
    assert again is not present
    assert before_again is before
    book(world, 2_000, now - 30 * HOUR)
    assert rated()[1] is not before
