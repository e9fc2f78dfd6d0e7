from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The MicroPython interpreter (Unix port)."""
    path = Path(os.environ.get("THALWEG_MICROPYTHON", Path(sys.executable).with_name("micropython")))
    if not path.exists():
        pytest.skip("no MicroPython Unix port here: set THALWEG_MICROPYTHON to one")
    return path
