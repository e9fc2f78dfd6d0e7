"""What the store makes of TimescaleDB, where the database has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from thalweg_app.postgres import EmbeddedPostgres
from thalweg_store import timescale, timescale_catalog
from thalweg_store.database import Database
from thalweg_store.timescale import WANTED, Result, Step, Wanted
from thalweg_store.timescale_catalog import Columnstore, Server
from worlds.gateway import charge, make_world
from worlds.stores import SERVER_URL, Store, create_extension, drop_tables, new_database, timescale_in_wasm

pytestmark = [pytest.mark.slow, pytest.mark.timescale]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HYPERTABLE, *LICENSED = (
    "batch: hypertable",
    "batch: columnstore",
    "batch: compression",
    "batch: retention",
    "arrivals_hourly: aggregate",
    "arrivals_hourly: refresh",
    "arrivals_hourly: retention",
)


def results(steps: tuple[Step, ...]) -> dict[str, Result]:
    return {step.subject: step.result for step in steps}


def fill(database: Database, days: int, last: datetime = NOW) -> None:
    """One batch of two events a day."""
    with database.transaction() as connection:
        connection.execute(
            text("""
                insert into batch (received_at, device, boot, first_seq, count, outcome, digest, payload)
                select :last - n * interval '1 day', n % 3, 7, 2 * n, 2, 'booked', sha256('x'), '\\x0102'
                from generate_series(0, :days - 1) as n
            """),
            {"last": last, "days": days},
        )


def one(database: Database, statement: str, **parameters: Any) -> Any:
    with database.transaction() as connection:
        return connection.execute(text(statement), parameters).scalar_one()


def count(database: Database) -> int:
    return int(one(database, "select count(*) from batch"))


def chunks(database: Database, condition: str = "true") -> int:
    statement = f"select count(*) from timescaledb_information.chunks where hypertable_name = 'batch' and {condition}"  # noqa: S608
    return int(one(database, statement))


def jobs(database: Database) -> Mapping[tuple[str, str], Any]:
    with database.transaction() as connection:
        found = connection.execute(text("select * from timescaledb_information.jobs where hypertable_name is not null"))
        return {(job.hypertable_name, job.proc_name): job for job in found}


def run(database: Database, statement: str) -> None:
    """Run what may not stand in a transaction."""
    with database._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def bring_about(database: Database, wanted: Wanted) -> tuple[Step, ...]:
    with database.transaction() as connection:
        return timescale.reconcile(connection, wanted=wanted)


@contextmanager
def without_extension(store: Store) -> Iterator[str]:
    """An empty database whose server has TimescaleDB."""
    with timescale_in_wasm() if store is Store.WASM else new_database(SERVER_URL) as url:
        yield url


def test_after_an_upgrade_everything_is_there_and_neither_another_nor_a_request_changes_it(database: Database) -> None:
    everything = dict.fromkeys([HYPERTABLE, *LICENSED], Result.UNCHANGED)
    assert results(database.upgrade()) == everything
    assert results(database.reconcile()) == everything


def test_batches_lie_in_weekly_chunks_by_the_time_of_their_receipt_with_the_declared_indexes_only(
    database: Database,
) -> None:
    fill(database, days=28)
    assert chunks(database) in (4, 5)
    assert chunks(database, "range_end - range_start = interval '7 days' and primary_dimension = 'received_at'") >= 4
    with database.transaction() as connection:
        indexes = connection.execute(text("select indexname from pg_indexes where tablename = 'batch'")).scalars().all()
    assert "batch_received_at_idx" not in indexes


def test_jobs_compress_batches_by_the_week_and_refresh_charts_but_none_drops_batches(database: Database) -> None:
    found = jobs(database)
    assert {key: job.config.get("compress_after") or job.config.get("drop_after") for key, job in found.items()} == {
        ("batch", "policy_compression"): "7 days",
        ("arrivals_hourly", "policy_refresh_continuous_aggregate"): None,
        ("arrivals_hourly", "policy_retention"): "1100 days",
    }


def test_what_somebody_changed_is_set_back_and_what_is_right_is_left(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("select set_chunk_time_interval('batch', interval '1 day')"))
        connection.execute(text("select add_retention_policy('batch', interval '30 days')"))
        connection.execute(text("call remove_columnstore_policy('batch')"))
    changed = {step.subject: step.detail for step in database.reconcile() if step.result is Result.CHANGED}
    assert changed == {
        "batch: hypertable": "new chunks of 7 days, 0:00:00, not 1 day, 0:00:00",
        "batch: compression": "compress_after 7 days, 0:00:00; was none",
        "batch: retention": "none; was drop_after 30 days, 0:00:00",
    }
    assert set(results(database.reconcile()).values()) == {Result.UNCHANGED}


def test_the_apache_license_has_the_hypertable_and_the_rest_comes_with_the_full_one(
    database_url: str, open_database: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_server = timescale_catalog.find_server

    def find_apache(connection: Connection) -> Server | str:
        server = find_server(connection)
        assert isinstance(server, Server)
        return replace(server, license="apache")

    drop_tables(database_url)
    monkeypatch.setattr(timescale_catalog, "find_server", find_apache)
    database = open_database()
    steps = database.upgrade()
    assert results(steps) == {HYPERTABLE: Result.CHANGED, **dict.fromkeys(LICENSED, Result.SKIPPED)}
    assert all("'apache'" in step.detail and "timescaledb.license" in step.detail for step in steps[1:])
    fill(database, days=28)
    assert chunks(database) >= 4
    assert jobs(database) == {}
    monkeypatch.undo()
    expected = {**dict.fromkeys(LICENSED, Result.CHANGED), "batch: retention": Result.UNCHANGED}
    assert results(database.upgrade()) == {HYPERTABLE: Result.UNCHANGED, **expected}


def test_a_version_without_the_columnstore_is_left_alone_with_the_remedy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timescale_catalog, "OLDEST", (99, 0))
    (step,) = database.reconcile()
    assert (step.subject, step.result) == ("timescaledb", Result.SKIPPED)
    assert "alter extension timescaledb update" in step.detail


def test_plain_postgresql_is_left_alone(postgres_server: EmbeddedPostgres) -> None:
    with new_database(postgres_server.url) as url:
        database = Store.PLAIN.open(url)
        assert [step.result for step in database.upgrade()] == [Result.SKIPPED]
        assert database.reconcile()[0].detail.startswith("plain PostgreSQL")
        database.close()


def test_an_extension_that_comes_later_than_the_data_takes_them_over_when_asked_or_when_they_are_few(
    store: Store,
) -> None:
    with without_extension(store) as url:
        database = store.open(url)
        (step,) = database.upgrade()
        assert (step.result, "create extension timescaledb" in step.detail) == (Result.SKIPPED, True)
        fill(database, days=60)
        create_extension(url)
        first, *others = database.reconcile(largest_bytes=0)
        assert (first.result, "thalweg database reconcile" in first.detail) == (Result.SKIPPED, True)
        assert {each.detail for each in others} == {"batch is no hypertable"}
        assert results(database.upgrade())[HYPERTABLE] is Result.CHANGED
        assert set(results(database.upgrade()).values()) == {Result.UNCHANGED}
        assert (count(database), one(database, "select count(distinct first_seq) from batch")) == (60, 60)
        assert chunks(database) >= 8
        assert one(database, "select sum(events) from arrivals_hourly") == 120
        database.close()


def test_an_extension_in_a_schema_of_its_own_serves_as_well(store: Store) -> None:
    with without_extension(store) as url:
        database = store.open(url)
        with database.transaction() as connection:
            connection.execute(text("create schema apart"))
        create_extension(url, "timescaledb schema apart")
        assert Result.FAILED not in results(database.upgrade()).values()
        assert set(results(database.upgrade()).values()) == {Result.UNCHANGED}
        database.close()


def test_compressed_batches_are_read_changed_and_joined_by_late_ones_like_others(database: Database) -> None:
    fill(database, days=60)
    compress_all(database)
    assert chunks(database, "is_compressed") == chunks(database)
    assert one(database, "select digest from batch where device = 1 and boot = 7 and first_seq = 38")
    with database.transaction() as connection:
        connection.execute(text("update batch set payload = '' where received_at < :old"), {"old": NOW - timedelta(30)})
    fill(database, days=1)
    assert count(database) == 61
    assert one(database, "select count(*) from batch where payload = ''") == 29
    assert set(results(database.upgrade()).values()) == {Result.UNCHANGED}


def test_a_resend_of_a_compressed_batch_changes_nothing(database: Database) -> None:
    world = make_world(database)
    payload = world.batch(charge(1000))
    world.send(payload)
    world.pipeline.step()
    rollups = world.rows("select * from rollup order by flow")
    compress_all(database)
    world.send(payload)
    world.pipeline.step()
    assert world.rows("select * from rollup order by flow") == rollups
    assert (count(database), len(world.source.committed)) == (1, 2)
    assert world.rows("select * from rejection") == []


def compress_all(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("select compress_chunk(chunk) from show_chunks('batch') as chunk"))


def test_the_jobs_that_are_set_up_do_what_they_are_for(database: Database) -> None:
    dropping = replace(WANTED.hypertable, drop_after=timedelta(days=30))
    fill(database, days=60, last=datetime.now(UTC))
    assert results(bring_about(database, WANTED._replace(hypertable=dropping)))["batch: retention"] is Result.CHANGED
    job_ids = {
        procedure: job.job_id for (_, procedure), job in jobs(database).items() if job.hypertable_name == "batch"
    }
    run(database, f"call run_job({job_ids['policy_retention']})")
    run(database, f"call run_job({job_ids['policy_compression']})")
    oldest = one(database, "select min(range_end) from timescaledb_information.chunks where hypertable_name = 'batch'")
    assert oldest > one(database, "select now() - interval '30 days'")
    assert count(database) < 60
    assert chunks(database, "is_compressed") == chunks(database, "range_end < now() - interval '7 days'") > 0


def test_an_aggregate_with_another_definition_is_made_anew(database: Database) -> None:
    other = replace(WANTED.aggregate, query=WANTED.aggregate.query.replace("1 hour", "1 day"))
    fill(database, days=2)
    assert results(bring_about(database, WANTED._replace(aggregate=other))) | {"": Result.CHANGED} == {
        "": Result.CHANGED,
        HYPERTABLE: Result.UNCHANGED,
        **dict.fromkeys(LICENSED[:3], Result.UNCHANGED),
        **dict.fromkeys(LICENSED[3:], Result.CHANGED),
    }
    assert one(database, "select max(hour) from arrivals_hourly") == NOW.replace(hour=0)
    assert results(database.reconcile())["arrivals_hourly: aggregate"] is Result.CHANGED
    assert one(database, "select max(hour) from arrivals_hourly") == NOW


def test_a_part_that_the_server_refuses_is_reported_and_undoes_no_other(database: Database) -> None:
    wrong = replace(
        WANTED.hypertable,
        columnstore=Columnstore("no_such_column", "boot"),
        compress_after=timedelta(days=14),
    )
    steps = bring_about(database, WANTED._replace(hypertable=wrong))
    (failed,) = (step for step in steps if step.result is Result.FAILED)
    assert (failed.subject, "no_such_column" in failed.detail) == ("batch: columnstore", True)
    assert results(steps)["batch: compression"] is Result.CHANGED
    assert jobs(database)["batch", "policy_compression"].config["compress_after"] == "14 days"


def test_what_hangs_on_the_columns_can_be_withdrawn_for_a_migration_and_comes_back(database: Database) -> None:
    with database.transaction() as connection:
        timescale.withdraw(connection)
        timescale.withdraw(connection)
        connection.execute(text("alter table batch drop column outcome"))
        connection.execute(text("alter table batch add column outcome text"))
    assert results(database.upgrade())["arrivals_hourly: aggregate"] is Result.CHANGED
