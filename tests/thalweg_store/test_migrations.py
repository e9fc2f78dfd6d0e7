from __future__ import annotations

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from thalweg_store import database as store
from thalweg_store.database import Database
from thalweg_store.tables import metadata

pytestmark = pytest.mark.slow


def test_the_history_makes_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing_and_keeps_the_epoch(database: Database) -> None:
    epoch = database.store_epoch()
    database.upgrade()
    assert database.store_epoch() == epoch


def test_the_history_can_be_undone(database: Database) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(store.MIGRATIONS))
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "base")
    with database.transaction() as connection:
        left = connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'").scalars().all()
        assert left == ["alembic_version"]
    database.upgrade()
    assert database.store_epoch()
