from __future__ import annotations

from collections.abc import Callable

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from thalweg_store import database as store
from thalweg_store import timescale
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
        timescale.withdraw(connection)
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "base")
    with database.transaction() as connection:
        left = connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'").scalars().all()
        assert left == ["alembic_version"]
    database.upgrade()
    assert database.store_epoch()


def test_what_was_received_before_the_second_revision_is_kept_by_it(database: Database) -> None:
    migrate(database, alembic.command.downgrade, "0001")
    with database.transaction() as connection:
        for statement in (
            "insert into ecosystem values ('eco', 'Eco', 1)",
            "insert into device (ecosystem, name, operator, key_version, active, registered_at) "
            "values ('eco', 'cp-1', 'op', 1, true, now())",
            "insert into received select id, 7, '{[0,10),[20,5000),[5001,5002)}', 6000, 3, now() from device",
            "insert into received select id, 8, '{[4,10)}', 10, 0, now() from device",
            "insert into received select id, 9, '{}', 2, 0, '-infinity' from device",
            "insert into batch (received_at, device, boot, first_seq, count, outcome, digest, payload) "
            "select now(), id, 8, 4, 6, 'parked', '', '' from device",
            "insert into rejection (topic, ecosystem, principal, reason, day, detail, count, first_seen_at, "
            "last_seen_at) values ('a', 'eco', 'cp-1', 'malformed', '2026-01-01', '', 2, now(), now()), "
            "('b', 'eco', 'cp-1', 'malformed', '2026-01-01', '', 3, now(), now())",
            "insert into rejection_sample (rejection, received_at, payload) select id, now(), '' from rejection",
        ):
            connection.exec_driver_sql(statement)
    migrate(database, alembic.command.upgrade, "head")
    with database.transaction() as connection:

        def rows(statement: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

        assert rows("select boot, next_seq, received, numbered, parked_since is null from boot order by boot") == [
            (7, 10, 4991, 6000, True),
            (8, 0, 6, 10, False),
            (9, 0, 0, 2, True),
        ]
        assert rows("select boot, block, ranges::text from received order by 1, 2") == [
            (7, 0, "{[20,2048)}"),
            (7, 1, "{[2048,4096)}"),
            (7, 2, "{[4096,5000),[5001,5002)}"),
            (8, 0, "{[4,10)}"),
        ]
        assert rows("select principal, count from rejection") == [("cp-1", 5)]
        assert rows("select topic from rejection_sample order by 1") == [("a",), ("b",)]
    migrate(database, alembic.command.downgrade, "0001")
    with database.transaction() as connection:
        kept = connection.exec_driver_sql("select boot, ranges::text, numbered from received order by boot").all()
        assert [tuple(row) for row in kept] == [
            (7, "{[0,10),[20,5000),[5001,5002)}", 6000),
            (8, "{[4,10)}", 10),
            (9, "{}", 2),
        ]
    database.upgrade()


def migrate(database: Database, command: Callable[[alembic.config.Config, str], None], revision: str) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(store.MIGRATIONS))
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command(config, revision)
