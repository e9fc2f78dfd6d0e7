from __future__ import annotations

import importlib.util
import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from thalweg import __version__
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg_app import main as entry
from thalweg_app.commands import app
from worlds.demo import open_folder

KEY = bytes(range(32))


@pytest.fixture
def batch() -> bytes:
    writer = BatchWriter(KEY, boot=7)
    writer.add(Event(1_515_777_720_000, "occupancy", 1, True, {"to": "city"}))
    writer.add(Event(1_515_777_721_000, "charging.session", 6706, False, {"emsp": "volt-pass"}))
    return writer.seal()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_decode_prints_a_batch_from_its_hex_digits_or_its_file(batch: bytes, tmp_path: Path) -> None:
    path = tmp_path / "batch"
    path.write_bytes(batch)
    for source in (batch.hex(), str(path)):
        result = run("decode", source)
        assert result.exit_code == 0
        assert '2018-01-12T17:22:01.000+00:00  usage     charging.session  6706  emsp="volt-pass"' in result.stdout
        assert "not checked" in result.stdout


def test_decode_verifies_with_the_devices_key(batch: bytes) -> None:
    assert "authentication code: verified" in run("decode", batch.hex(), "--key", KEY.hex()).stdout
    wrong = run("decode", batch.hex(), "--key", bytes(32).hex())
    assert wrong.exit_code == 2
    assert "does not match" in wrong.output


def test_decode_prints_a_signed_text_as_it_stands_or_from_a_file(tmp_path: Path) -> None:
    writer = JsonBatchWriter(KEY, boot=7)
    writer.add(Event(1_515_777_720_000, "occupancy", 1, True, {"to": "city"}))
    written = writer.seal().decode()
    path = tmp_path / "batch.json"
    path.write_text(written + "\n", encoding="utf-8")
    for source in (written, str(path)):
        result = run("decode", source, "--key", KEY.hex())
        assert '2018-01-12T17:22:00.000+00:00  exchange  occupancy  1  to="city"' in result.stdout
        assert "form: JSON rows" in result.stdout
        assert "authentication code: verified" in result.stdout


def test_decode_prints_json_for_programs(batch: bytes) -> None:
    description = json.loads(run("decode", "--json", batch.hex()).stdout)
    assert [event["kind"] for event in description["events"]] == ["occupancy", "charging.session"]
    assert (description["boot"], description["first_seq"], description["count"]) == (7, 0, 2)


@pytest.mark.parametrize(("source", "said"), [("nofile", "neither an existing file"), ("ff00", "format version 255")])
def test_decode_says_what_is_wrong_with_its_input(source: str, said: str) -> None:
    result = run("decode", source)
    assert result.exit_code == 2
    assert said in result.output


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "1.5"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    result = run("demo", "--speed", speed)
    assert result.exit_code == 2
    assert "whole number" in result.output


def test_without_the_parts_for_it_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else find(name))
    result = run("demo")
    assert result.exit_code == 2
    assert "pip install 'thalweg[all]'" in result.output


def test_without_typer_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match=r"thalweg\[all\]"):
        entry.main()


@pytest.mark.slow
def test_a_check_that_fails_names_the_stage_and_what_to_do() -> None:
    with open_folder() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("demo", "--check", "--data", str(folder), "--port", port)
        assert result.exit_code == 1
        verdict = json.loads(result.stdout)
        assert (verdict["ok"], verdict["stage"]) == (False, "api")
        assert "--port" in verdict["detail"]
        missing = run("demo", "--check", "--data", str(folder), "--sessions", str(folder / "none.csv"))
        assert missing.exit_code == 1
        assert json.loads(missing.stdout)["stage"] == "sessions"
