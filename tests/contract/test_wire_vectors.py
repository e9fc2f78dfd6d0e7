"""The golden vectors, on CPython and on MicroPython."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from thalweg.wire import keys, text
from thalweg.wire.batch import BatchWriter, Event, digest
from thalweg.wire.forms import decode, verify
from thalweg.wire.json_writer import JsonBatchWriter

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
PATHS = sorted((HERE / "vectors").glob("*.json"))
VECTORS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in PATHS}
PACKED = [name for name, vector in VECTORS.items() if vector["type"] == "batches"]
BATCHES = [name for name, vector in VECTORS.items() if vector["type"] in ("batches", "json-batches")]


def _event(row: dict[str, Any]) -> Event:
    receivers = [] if row["to"] is None else [("to", row["to"])]
    attributes = dict([*receivers, *((name, value) for name, value in row["attributes"])])
    return Event(row["at_ms"], row["kind"], row["quantity"], row["to"] is not None, attributes)


@pytest.fixture(scope="module")
def on_device(micropython: Path) -> dict[str, Any]:
    """What the firmware produces, by vector."""
    paths = [str(path) for path in PATHS if VECTORS[path.stem]["type"] in ("batches", "texts")]
    command = [str(micropython), str(HERE / "encode_on_device.py"), str(FIRMWARE), *paths]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return {Path(entry["path"]).stem: entry["result"] for entry in map(json.loads, lines)}


@pytest.mark.parametrize("name", BATCHES)
def test_cpython_writes_the_vector_s_bytes(name: str) -> None:
    vector = VECTORS[name]
    writer = (BatchWriter if name in PACKED else JsonBatchWriter)(
        bytes.fromhex(vector["uplink_key"]),
        vector["boot"],
        key_version=vector["key_version"],
        first_seq=vector["first_seq"],
    )
    for batch in vector["batches"]:
        for row in batch["events"]:
            writer.add(_event(row))
        assert writer.seal(vector["quality"]) == _bytes(batch)


def _bytes(batch: dict[str, Any]) -> bytes:
    return bytes.fromhex(batch["hex"]) if "hex" in batch else batch["text"].encode()


@pytest.mark.parametrize("name", BATCHES)
def test_cpython_reads_the_vector_s_events(name: str) -> None:
    vector = VECTORS[name]
    seq, previous = vector["first_seq"], bytes(16)
    for batch in vector["batches"]:
        raw = _bytes(batch)
        verify(raw, bytes.fromhex(vector["uplink_key"]))
        decoded = decode(raw)
        assert decoded.events == tuple(_event(row) for row in batch["events"])
        assert [list(event.attributes) for event in decoded.events] == [
            list(_event(row).attributes) for row in batch["events"]
        ]
        assert decoded.previous_digest == previous
        header = decoded.header
        assert (header.boot, header.key_version, header.time_quality) == (
            vector["boot"],
            vector["key_version"],
            vector["quality"],
        )
        assert (header.first_seq, header.end_seq) == (seq, seq + len(batch["events"]))
        seq, previous = header.end_seq, digest(raw)


@pytest.mark.slow  # runs MicroPython
@pytest.mark.parametrize("name", PACKED)
def test_micropython_writes_the_vector_s_bytes(name: str, on_device: dict[str, Any]) -> None:
    assert on_device[name] == [batch["hex"] for batch in VECTORS[name]["batches"]]


def test_cpython_seals_and_opens_the_signed_texts() -> None:
    for entry in VECTORS["signed-text"]["texts"]:
        key, channel = bytes.fromhex(entry["key"]), entry["channel"]
        assert text.seal(channel, entry["body"], key).decode() == entry["text"]
        assert text.open_sealed(channel, entry["text"].encode(), key) == entry["body"]


@pytest.mark.slow  # runs MicroPython
def test_micropython_opens_the_signed_texts_and_its_own(on_device: dict[str, Any]) -> None:
    expected = [[entry["body"], entry["body"]] for entry in VECTORS["signed-text"]["texts"]]
    assert on_device["signed-text"] == expected


def test_device_keys_follow_from_the_root_key() -> None:
    vector = VECTORS["device-keys"]
    for entry in vector["keys"]:
        pair = keys.derive(bytes.fromhex(vector["root_key"]), entry["ecosystem"], entry["device"], entry["key_version"])
        assert (pair.uplink.hex(), pair.downlink.hex()) == (entry["uplink"], entry["downlink"])
    assert len({entry[way] for entry in vector["keys"] for way in ("uplink", "downlink")}) == 2 * len(vector["keys"])


#: RFC 5869, appendix A.1 to A.3: secret, salt, info, length, output
RFC_5869 = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(80)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("secret", "salt", "info", "output"), RFC_5869, ids=["A.1", "A.2", "A.3"])
def test_key_derivation_agrees_with_rfc_5869(secret: str, salt: str, info: str, output: str) -> None:
    length = len(output) // 2
    derived = keys.hkdf_sha256(bytes.fromhex(secret), bytes.fromhex(info), length, bytes.fromhex(salt))
    assert derived.hex() == output


def test_the_generator_agrees_with_every_vector() -> None:
    command = [sys.executable, str(HERE / "generate_vectors.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "bytes_an_event"),
    [
        ("mixed-50", 12),
        ("mixed-full", 10),
        ("charging-50", 12),
        ("charging-full", 10),
        ("plain-charging-50", 12),
        ("plain-charging-full", 10),
    ],
)
def test_an_event_stays_within_its_budget(name: str, bytes_an_event: int) -> None:
    (batch,) = VECTORS[name]["batches"]
    assert len(batch["hex"]) // 2 <= bytes_an_event * len(batch["events"])


@pytest.mark.parametrize("name", ["mixed-full", "charging-full", "plain-charging-full"])
def test_a_full_batch_fits_a_block_of_flash(name: str) -> None:
    (batch,) = VECTORS[name]["batches"]
    assert 3700 < len(batch["hex"]) // 2 <= 3800
