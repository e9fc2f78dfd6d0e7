"""The dashboards' own checks, on the Node of the wheel; and what in them follows from something else."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def dashboards(repository: Path) -> Path:
    return repository / "dashboards"


@pytest.fixture(scope="module")
def build(repository: Path) -> ModuleType:
    """The module that builds the dashboards: it knows where Node is."""
    spec = importlib.util.spec_from_file_location("hatch_build", repository / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(dashboards: Path, build: ModuleType) -> Run:
    if not (dashboards / "node_modules").is_dir():
        pytest.skip("the dashboards' packages are not installed (`python hatch_build.py` installs them)")
    return Run(dashboards, build.node_folder() / "bin")


class Run:
    """Runs a script of an installed package and fails with what it said."""

    def __init__(self, dashboards: Path, binaries: Path) -> None:
        self._dashboards = dashboards
        self._binaries = binaries

    def __call__(self, script: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._binaries / "node", self._dashboards / "node_modules" / script, *arguments],
            cwd=self._dashboards,
            env={**os.environ, "NO_COLOR": "1", "PATH": f"{self._binaries}{os.pathsep}{os.environ.get('PATH', '')}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.slow
def test_the_unit_tests_pass(run: Run) -> None:
    assert re.search(r"Tests +\d+ passed", run("vitest/vitest.mjs", "run"))


@pytest.mark.slow
def test_types_and_svelte_rules_hold(run: Run) -> None:
    run("svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings")
    run("typescript/bin/tsc", "--noEmit")


@pytest.mark.slow
def test_the_types_of_the_api_follow_from_its_description(
    run: Run, dashboards: Path, repository: Path, tmp_path: Path
) -> None:
    run("openapi-typescript/bin/cli.js", str(repository / "api/openapi.json"), "-o", str(tmp_path / "openapi.d.ts"))
    generated = (tmp_path / "openapi.d.ts").read_text(encoding="utf-8")
    assert generated == (dashboards / "src/api/openapi.d.ts").read_text(encoding="utf-8"), "run `npm run types`"


def test_the_lock_file_names_no_host(dashboards: Path) -> None:
    lock = (dashboards / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    # `funding` is where a package's authors take donations; what npm would load from stands in `resolved`.
    assert '"resolved"' not in lock
    assert "registry" not in lock
