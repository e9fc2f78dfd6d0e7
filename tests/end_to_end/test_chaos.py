"""`thalweg chaos`, short: every fault once, while devices send everything several times, and the judge's word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow
LIMIT_SECONDS = 280
EVENTS = 20_000


def run_chaos(*options: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, report, and what it said meanwhile; a process of its own, since it may mount a disk for itself."""
    command = [sys.executable, "-m", "thalweg_app.main", "chaos", "--json", "--events", str(EVENTS), *options]
    # redelivery of what a killed gateway had in hand is waited for
    environment = os.environ | {"THALWEG_NATS_ACK_WAIT_SECONDS": "5"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_whatever_breaks_the_devices_truth_is_committed_summed_and_rated_exactly_once() -> None:
    status, report, said = run_chaos("--seed", "1", "--away-seconds", "3", "--lock-seconds", "2", "--full-seconds", "4")
    wrong = [verdict for verdict in report["verdicts"] if not verdict["ok"]]
    assert (status, wrong) == (0, []), said
    assert report["load"]["events"] == EVENTS
    assert report["load"]["receipted"] == report["load"]["batches"]
    assert report["load"]["conflicting"] > 0
    assert report["load"]["corrupt"] > 0
    assert report["load"]["messages"] > 2 * report["load"]["batches"]
    done = [fault["kind"] for fault in report["faults"]]
    wanted = {"gateway", "broker", "database", "all", "away", "lock", "restore", "backup", "close"}
    assert set(done) == wanted | ({"full"} - set(report["not_run"]))
    assert set(report["not_run"]) <= {"full"}
    assert all(fault["recovered_seconds"] is not None for fault in report["faults"] if fault["is_fault"])
    assert report["load"]["store_lives"] in (1, 2)  # 1: nothing was committed between backup and restore
    assert report["memory"]["lives"] == report["restarts"]["gateway"] + 1
