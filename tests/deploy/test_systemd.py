"""The systemd units, by systemd's own judgement where it is installed, and by ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from worlds.units import Unit

UNITS = (
    "thalweg-api.service",
    "thalweg-auth.service",
    "thalweg-gateway@.service",
    "thalweg-nats.service",
    "thalweg-upgrade.service",
)
#: of 10; systemd calls it OK below 5 and EXPOSED above 7
_MAX_EXPOSURE = 2.0


@pytest.fixture
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed here")
    return found


def test_there_are_no_others(deploy: Path) -> None:
    assert tuple(sorted(path.name for path in (deploy / "systemd").glob("*.service"))) == UNITS


def test_systemd_understands_them(deploy: Path, systemd_analyze: str, tmp_path: Path) -> None:
    for name in UNITS:
        text = (deploy / "systemd" / name).read_text(encoding="utf-8")
        # the programs are there only once Thalweg is installed
        (tmp_path / name).write_text(re.sub(r"/opt/thalweg/bin/\S+", "/bin/true", text), encoding="utf-8")
    paths = [str(tmp_path / name) for name in UNITS]
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", *paths], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    said = [line for line in done.stderr.splitlines() if "thalweg" in line]
    assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_process_that_is_taken_over_can_do_little(name: str, deploy: Path, systemd_analyze: str) -> None:
    done = subprocess.run(
        [systemd_analyze, "security", "--offline=true", "--no-pager", str(deploy / "systemd" / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert exposure is not None, done.stdout + done.stderr
    assert float(exposure.group(1)) <= _MAX_EXPOSURE


@pytest.mark.parametrize("name", UNITS)
def test_no_secret_is_in_a_unit_or_an_environment_file(name: str, deploy: Path) -> None:
    unit = Unit.read(deploy / "systemd" / name)
    assert not re.search(r"password|seed|root_key|_url", " ".join(unit.environment), re.IGNORECASE)
    assert all(source.startswith("/etc/thalweg/secrets/") for source in unit.credentials.values())


def test_wrong_settings_do_not_make_a_service_start_for_ever(deploy: Path) -> None:
    for name in ("thalweg-api.service", "thalweg-auth.service", "thalweg-gateway@.service"):
        text = (deploy / "systemd" / name).read_text(encoding="utf-8")
        assert {"Restart=always", "RestartPreventExitStatus=2"} <= set(text.splitlines())
