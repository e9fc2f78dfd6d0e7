from __future__ import annotations

import pytest

from thalweg_store.database import Database
from worlds.gateway import World, make_world


@pytest.fixture
def world(database: Database) -> World:
    return make_world(database)
