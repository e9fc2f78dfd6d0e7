"""What `docs/protocol.md` shows a stranger to write is what the gateway reads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from thalweg.wire.batch import digest
from thalweg.wire.json_batch import decode, verify

HERE = Path(__file__).parent
PROTOCOL = (HERE.parents[1] / "docs" / "protocol.md").read_text(encoding="utf-8")
VECTOR = json.loads((HERE / "vectors" / "json-single-event.json").read_text(encoding="utf-8"))
[BATCH] = VECTOR["batches"]
KEY = bytes.fromhex(VECTOR["uplink_key"])


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PROTOCOL, re.DOTALL)
    return str(found)


def test_the_example_in_python_writes_the_vector_and_chains_batches() -> None:
    names: dict[str, Any] = {}
    exec(example("python"), names)  # noqa: S102 - our own document
    first = names["sealed"](KEY, VECTOR["boot"], 0, 1_764_000_000_123, [[0, "energy", 6706]])
    assert first.decode() == BATCH["text"]
    second = names["sealed"](KEY, VECTOR["boot"], 1, 1_764_000_000_124, [[0, "energy", 1]], first)
    verify(second, KEY)
    assert decode(second).previous_digest == digest(first)


def test_the_example_for_a_shell_writes_the_vector() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no OpenSSL program here")
    script = re.sub(r"(?m)^mosquitto_pub .*", 'printf "%s" "$TEXT.$CODE"', example("sh"))
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == BATCH["text"]


def test_the_example_says_how_many_bytes_it_has() -> None:
    assert f"One event, {len(BATCH['text'])} bytes" in PROTOCOL
