from __future__ import annotations

import pytest
from worlds.gateway import World, make_world

from thalweg_store.database import Database


@pytest.fixture
def world(database: Database) -> World:
    return make_world(database)
