from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKERS = Path(__file__).parents[2] / "var/checkers/usr/bin"


@pytest.fixture(scope="session")
def deploy(repository: Path) -> Path:
    """The folder of deployment files."""
    return repository / "deploy"


@pytest.fixture(scope="session")
def checker() -> Callable[[str], str]:
    """Finds a program that checks configuration, or skips the test with what to do."""

    def find(name: str) -> str:
        found = shutil.which(name) or shutil.which(name, path=str(CHECKERS))
        if found is None:
            pytest.skip(f"{name} is not installed (on Debian, `make test` fetches it)")
        return found

    return find
