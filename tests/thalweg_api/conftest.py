from __future__ import annotations

import pytest

from thalweg_store.database import Database
from worlds.api import ApiWorld, make_api_world
from worlds.gateway import make_world


@pytest.fixture
def world(database: Database) -> ApiWorld:
    return make_api_world(make_world(database))
