from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import SetupError
from thalweg_app.process import Program
from thalweg_app.supervisor import MAX_DELAY_MS, Supervisor, restart_delay_ms

pytestmark = pytest.mark.slow  # it starts processes

SLEEP = "import time; time.sleep(600)"
#: says that it is ready by making the file argv[1]; on SIGTERM it writes argv[3] to the file argv[2] and ends
POLITE = """
import pathlib, signal, sys
def stop(*_):
    with open(sys.argv[2], "a") as file: file.write(sys.argv[3] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1]).touch()
while True: signal.pause()
"""
DEAF = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
while True: signal.pause()
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def python(folder: Path, name: str, code: str, *arguments: object, **options: object) -> Program:
    command = (sys.executable, "-S", "-c", code, *map(str, arguments))
    return Program(name=name, command=command, log=folder / f"{name}.log", **options)  # type: ignore[arg-type]


def test_a_killed_program_is_started_again_and_the_restart_is_counted(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(python(tmp_path, "sleeper", SLEEP))
    first = supervisor.report()["sleeper"]
    assert first.pid is not None
    assert first.restarts == 0
    os.kill(first.pid, signal.SIGKILL)

    def runs_again() -> bool:
        child = supervisor.report()["sleeper"]
        return child.is_ready and child.pid != first.pid

    assert supervisor.wait(30_000, until=runs_again)
    assert supervisor.report()["sleeper"].restarts == 1


def test_a_held_program_stays_stopped_until_it_is_let_go_and_that_counts_as_no_restart(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(python(tmp_path, "sleeper", SLEEP))
    supervisor.start(python(tmp_path, "other", SLEEP))
    supervisor.hold("sleeper")
    assert not supervisor.wait(500, until=lambda: supervisor.report()["sleeper"].pid is not None)
    assert list(supervisor.report()) == ["sleeper", "other"]
    supervisor.let_go("sleeper")
    assert supervisor.wait(30_000, until=lambda: supervisor.report()["sleeper"].is_ready)
    assert supervisor.report()["sleeper"].restarts == 0


def test_a_finite_program_that_succeeds_is_finished_and_not_started_again(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(python(tmp_path, "once", "print('done')", is_finite=True))
    assert supervisor.wait(30_000, until=lambda: supervisor.report()["once"].is_finished)
    assert not supervisor.wait(300, until=lambda: supervisor.report()["once"].pid is not None)
    assert (tmp_path / "once.log").read_text() == "done\n"


def test_a_finite_program_that_fails_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    marker = tmp_path / "second-time"
    code = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); e = p.exists(); p.touch(); sys.exit(0 if e else 3)"
    supervisor.start(python(tmp_path, "once", code, marker, is_finite=True))
    assert supervisor.wait(30_000, until=lambda: supervisor.report()["once"].is_finished)
    assert supervisor.report()["once"].restarts == 1


def test_a_program_that_ends_before_it_is_ready_is_an_error_that_shows_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = python(tmp_path, "broken", "raise SystemExit('no such thing')", is_ready=lambda: False)
    with pytest.raises(SetupError, match=r"broken ended at once \(exit status 1\)[\s\S]*no such thing"):
        supervisor.start(program)
    assert supervisor.report() == {}


def test_a_program_that_never_gets_ready_is_stopped_and_an_error(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="slow is not ready after 50 ms"):
        supervisor.start(python(tmp_path, "slow", SLEEP, is_ready=lambda: False, start_ms=50))


def test_a_program_waits_for_what_an_earlier_run_left_behind(supervisor: Supervisor, tmp_path: Path) -> None:
    answers = iter([False, False, True])
    supervisor.start(python(tmp_path, "patient", SLEEP, may_start=lambda: next(answers)))
    assert supervisor.report()["patient"].is_ready
    assert list(answers) == []


def test_programs_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    stops = tmp_path / "stops"
    with Supervisor() as supervisor:
        for name in ("one", "two", "three"):
            ready = tmp_path / f"{name}.ready"
            supervisor.start(python(tmp_path, name, POLITE, ready, stops, name, is_ready=ready.exists))
    assert stops.read_text().split() == ["three", "two", "one"]


def test_a_program_that_ignores_its_stop_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path, is_running: Callable[[int], bool]
) -> None:
    ready = tmp_path / "ready"
    supervisor.start(python(tmp_path, "deaf", DEAF, ready, is_ready=ready.exists, stop_ms=50))
    pid = supervisor.report()["deaf"].pid
    assert pid is not None
    supervisor.stop("deaf")
    assert not is_running(pid)


def test_programs_end_with_a_supervisor_that_is_killed(
    owner: Callable[[str], subprocess.Popen[str]],
    tmp_path: Path,
    wait_for: Callable[[Callable[[], bool], str], None],
    is_running: Callable[[int], bool],
) -> None:
    process = owner(f"""
import pathlib, sys, time
from thalweg_app.process import Program
from thalweg_app.supervisor import Supervisor
command = (sys.executable, "-S", "-c", {SLEEP!r})
supervisor = Supervisor()
supervisor.start(Program(name="sleeper", command=command, log=pathlib.Path({str(tmp_path / "log")!r})))
print(supervisor.report()["sleeper"].pid, flush=True)
time.sleep(600)
""")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_running(pid)
    process.kill()
    wait_for(lambda: not is_running(pid), "the child of the killed supervisor ends")


def test_programs_are_started_from_the_main_thread_only(supervisor: Supervisor, tmp_path: Path) -> None:
    errors: list[RuntimeError] = []

    def start() -> None:
        try:
            supervisor.start(python(tmp_path, "sleeper", SLEEP))
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


@given(st.integers(0, 10_000))
def test_the_delay_before_a_restart_never_shrinks_and_is_capped(failures: int) -> None:
    assert 0 < restart_delay_ms(failures) <= restart_delay_ms(failures + 1) <= MAX_DELAY_MS
