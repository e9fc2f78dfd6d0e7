"""The plan of a chaos run, and what its report says."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thalweg.errors import SetupError
from thalweg_app.chaos.disk import SmallDisk
from thalweg_app.chaos.plan import FAULTS, Durations, Kind, plan
from thalweg_app.chaos.report import Happened, Memory, Report, Verdict, memory_verdict
from thalweg_app.commands import app

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.sets(st.sampled_from(FAULTS)), st.integers(1, 4))
def test_every_fault_comes_as_often_as_asked_in_order_and_within_the_load(seed, faults, rounds):
    steps = plan(seed, 1_000, faults, Durations(), rounds)
    kinds = [step.kind for step in steps]
    for kind in faults:
        assert kinds.count(kind) == (rounds if kind in (Kind.GATEWAY, Kind.BROKER, Kind.DATABASE) else 1)
    assert set(kinds) <= {*faults, Kind.BACKUP, Kind.CLOSE}
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert all(0 < step.at < step.limit < 1 for step in steps)


@given(SEEDS)
def test_a_backup_comes_before_its_restore_and_a_period_is_closed_after_it(seed):
    kinds = [step.kind for step in plan(seed, 1_000, FAULTS, Durations())]
    assert kinds.index(Kind.BACKUP) < kinds.index(Kind.RESTORE) < kinds.index(Kind.CLOSE)


def test_the_same_seed_gives_the_same_plan_and_more_events_more_kills():
    assert plan(3, 1_000, FAULTS, Durations()) == plan(3, 1_000, FAULTS, Durations())
    long = [step.kind for step in plan(3, 1_000_000, FAULTS, Durations())]
    assert [long.count(kind) for kind in (Kind.GATEWAY, Kind.BROKER, Kind.DATABASE, Kind.AWAY)] == [4, 4, 4, 1]


def test_only_faults_that_last_have_a_duration():
    steps = plan(1, 1_000, FAULTS, Durations(away=60, lock=20, full=10))
    lasting = {step.kind: step.seconds for step in steps if step.seconds}
    assert lasting == {Kind.AWAY: 60, Kind.LOCK: 20, Kind.FULL: 10}


def report(*, recovered_seconds: float | None = 1.0, is_right: bool = True) -> Report:
    happened = Happened(
        kind="gateway", what="kill -9", at_seconds=1, lasted_seconds=0, recovered_seconds=recovered_seconds
    )
    return Report(
        seed=1,
        machine="a machine",
        seconds=2,
        load={"events": 3},
        faults=(happened,),
        not_run={},
        restarts={"gateway": 1},
        memory=Memory(lives=2, peak_bytes=100_000_000, peak_bytes_away=0),
        verdicts=(Verdict(name="v", ok=is_right, expected=1, found=1 if is_right else 2),),
    )


def test_a_run_is_ok_when_every_comparison_holds_and_the_system_came_back_each_time():
    assert report().ok
    assert not report(is_right=False).ok
    assert not report(recovered_seconds=None).ok


def test_what_is_no_fault_needs_no_recovery():
    assert Happened(kind="close", what="", at_seconds=0, lasted_seconds=0, recovered_seconds=None, is_fault=False).ok


def test_the_report_is_one_object():
    content = report().as_json()
    assert (content["ok"], content["seed"], content["load"]) == (True, 1, {"events": 3})
    assert content["memory"] == {"lives": 2, "peak_mb": 100.0, "peak_mb_database_away": 0.0, "bar_mb": 300}
    assert content["faults"][0]["recovered_seconds"] == 1.0


def test_the_memory_of_a_gateway_must_have_been_seen_and_be_small():
    peaks = (0, 1, 300_000_000, 300_000_001)
    verdicts = [memory_verdict(Memory(lives=1, peak_bytes=peak, peak_bytes_away=0)).ok for peak in peaks]
    assert verdicts == [False, True, True, False]


def test_a_full_disk_takes_a_disk_of_its_own_which_only_root_gets(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="root"):
        SmallDisk(tmp_path / "disk", 1 << 20)
    assert not (tmp_path / "disk").exists()


def test_chaos_refuses_to_touch_a_real_database(monkeypatch):
    monkeypatch.setenv("THALWEG_DATABASE_URL", "postgresql://somewhere")
    result = CliRunner().invoke(app, ["chaos", "--events", "1000"])
    assert result.exit_code == 2
    assert "THALWEG_DATABASE_URL" in result.output


def test_chaos_refuses_a_fault_that_cannot_be_asked_for():
    assert CliRunner().invoke(app, ["chaos", "--fault", "backup"]).exit_code == 2
