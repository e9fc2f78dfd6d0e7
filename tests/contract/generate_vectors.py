"""Compares the golden vectors with what `thalweg.wire` produces; `--add` writes those that do not exist yet.

Never overwrites: the format is frozen, so a difference is a mistake in the code.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thalweg.wire import keys, text
from thalweg.wire.batch import BatchWriter, Event, TimeQuality
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.messages import Receipt

VECTORS = Path(__file__).parent / "vectors"
ROOT_KEY = bytes(range(32))
ECOSYSTEM, DEVICE = "ev-city", "cp-01"
UPLINK_KEY = keys.derive(ROOT_KEY, ECOSYSTEM, DEVICE, 1).uplink
DOWNLINK_KEY = keys.derive(ROOT_KEY, ECOSYSTEM, DEVICE, 1).downlink
BOOT = 0x1234ABCD
NOON_MS = 1_764_000_000_123
FULL_BYTES = 3800

#: steps in ms and quantities
LIMITS = ((0, -(1 << 63)), (86_400_000, (1 << 63) - 1), (1, 0))

#: at_ms, kind, quantity, receiver of an exchange or None, attributes in order
Row = tuple[int, str, int, str | None, list[tuple[str, int | str]]]


def mixed_events(count: int) -> list[Row]:
    """Four kinds; every second event has two string attributes out of five values each."""
    kinds = ("api.tokens", "db.rows", "file.bytes", "msg.sent")
    return [
        (
            NOON_MS + i * 937 + (i * 31) % 17,
            kinds[i % 4],
            (i * 7919) % 5000,
            None,
            [("dst", f"svc-{i % 5}"), ("unit", ("B", "kB", "row", "tok", "msg")[i * 3 % 5])] if i % 2 else [],
        )
        for i in range(count)
    ]


def charging_events(count: int) -> list[Row]:
    """The example's charge point: at each session's end an occupancy record for the city, then the session."""
    events: list[Row] = []
    for i in range(count):
        number = i // 2
        end_ms = NOON_MS + number * 5_400_000 + (number * 977_003) % 3_600_000
        if i % 2:
            seconds = 600 + (i * 7717) % 20_000
            emsp = ("volt-pass", "e-drive", "charge-now")[i % 3]
            details = [("emsp", emsp), ("session", 1000 + i), ("seconds", seconds)]
            events.append((end_ms, "charging.session", (i * 6151) % 40_000, None, details))
        else:
            events.append((end_ms, "occupancy", 1, "city", []))
    return events


def plain_charging_events(count: int) -> list[Row]:
    """A charge point that names the provider of each session and nothing else."""
    return [
        (
            NOON_MS + i * 5_400_000 + (i * 977_003) % 3_600_000,
            "charging.session",
            (i * 6151) % 40_000,
            None,
            [("emsp", ("volt-pass", "e-drive", "charge-now")[i % 3])],
        )
        for i in range(count)
    ]


def as_event(row: Row) -> Event:
    """The row as the gateway's side writes it: the receiver is the attribute `to`, first."""
    at_ms, kind, quantity, receiver, attributes = row
    receivers = [] if receiver is None else [("to", receiver)]
    return Event(at_ms, kind, quantity, receiver is not None, dict(receivers + attributes))


def full(rows: list[Row]) -> list[Row]:
    """As many of `rows` as a device takes into one batch."""
    writer = BatchWriter(UPLINK_KEY, BOOT)
    for count, row in enumerate(rows):
        writer.add(as_event(row))
        if writer.size_bytes > FULL_BYTES:
            return rows[:count]
    raise AssertionError("these rows do not fill a batch")


def batches(
    about: str,
    *parts: list[Row],
    key_version: int = 1,
    boot: int = BOOT,
    first_seq: int = 0,
    quality: int = TimeQuality.NTP,
) -> dict[str, Any]:
    """A vector of the batches of one boot."""
    key = keys.derive(ROOT_KEY, ECOSYSTEM, DEVICE, key_version).uplink
    writer = BatchWriter(key, boot, key_version=key_version, first_seq=first_seq)
    sealed = []
    for rows in parts:
        for row in rows:
            writer.add(as_event(row))
        events = [
            {
                "at_ms": at_ms,
                "kind": kind,
                "quantity": quantity,
                "to": receiver,
                "attributes": [list(a) for a in attributes],
            }
            for at_ms, kind, quantity, receiver, attributes in rows
        ]
        sealed.append({"events": events, "hex": writer.seal(quality).hex()})
    return {
        "about": about, "type": "batches", "uplink_key": key.hex(), "key_version": key_version, "boot": boot,
        "first_seq": first_seq, "quality": quality, "batches": sealed,
    }  # fmt: skip


def json_batches(about: str, *parts: list[Row], key_version: int = 1, **settings: int) -> dict[str, Any]:
    """The same in JSON rows."""
    vector = batches(about, *parts, key_version=key_version, **settings)
    quality = vector["quality"]
    writer = JsonBatchWriter(
        bytes.fromhex(vector["uplink_key"]), vector["boot"], key_version=key_version, first_seq=vector["first_seq"]
    )
    sealed = []
    for rows, batch in zip(parts, vector["batches"], strict=True):
        for row in rows:
            writer.add(as_event(row))
        sealed.append({"events": batch["events"], "text": writer.seal(quality).decode()})
    return vector | {"type": "json-batches", "batches": sealed}


def width_events() -> list[Row]:
    """Quantities, integer attributes and time steps on both sides of every width of a varint."""
    edges = [0, 1, -1]
    for bits in range(6, 64, 7):
        edges += [(1 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1]
    edges += [(1 << 63) - 1, -(1 << 63)]
    at_ms, rows = 1 << 50, []
    for step, edge in enumerate(edges):
        at_ms += edge if abs(edge) < 1 << 42 else step
        rows.append((at_ms, "width", edge, None, [("same", edge), ("opposite", -1 - edge)]))
    return rows


def batch_vectors() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and contents of the vectors that hold batches."""
    session: Row = (
        NOON_MS,
        "charging.session",
        6706,
        None,
        [("emsp", "volt-pass"), ("session", 17), ("seconds", 5303)],
    )
    occupancy: Row = (NOON_MS, "occupancy", 1, "city", [("seconds", 5303)])
    plain = [(NOON_MS + i, "kwh", i, None, []) for i in range(3)]
    yield "single-event", batches("one usage event without attributes", [(NOON_MS, "energy", 6706, None, [])])
    yield (
        "usage-and-exchange",
        batches("a charging session with the occupancy data handed to the city", [occupancy, session]),
    )
    yield "varint-widths", batches("both sides of every width of a varint, both signs", width_events())
    yield "mixed-50", batches("fifty events of four kinds", mixed_events(50))
    yield "mixed-full", batches("a full batch of four kinds", full(mixed_events(1000)))
    yield "charging-50", batches("fifty events of a charge point", charging_events(50))
    yield "charging-full", batches("a full batch of a charge point", full(charging_events(1000)))
    yield "plain-charging-50", batches("fifty sessions with their provider only", plain_charging_events(50))
    yield (
        "plain-charging-full",
        batches("a full batch of sessions with their provider only", full(plain_charging_events(1000))),
    )
    exchanges = [(NOON_MS + i, "occupancy", i, ("city", "grid", "city")[i % 3], []) for i in range(6)]
    yield "exchanges", batches("data exchanges with several receivers", exchanges)
    same_kind: list[Row] = [(NOON_MS, "dual", 1, None, [("to", "city")]), (NOON_MS, "dual", 1, "city", [])]
    yield "usage-or-exchange", batches("one kind as usage with an attribute `to`, and as exchange", same_kind)
    words = ("Straße", "東京", "⚡🔌", 'naïve\n\t"quoted\\"', "")
    unicode_rows = [(NOON_MS, "größe.°C", i, None, [("ort", word)]) for i, word in enumerate(words)]
    yield "unicode", batches("strings beyond ASCII, control characters and the empty string", unicode_rows)
    yield (
        "clock-steps-back",
        batches(
            "the wall clock is corrected backwards twice",
            [(NOON_MS + step, "energy", 5, None, []) for step in (0, 1000, -86_400_000, -86_399_000, -86_400_001)],
        ),
    )
    yield "key-version-2", batches("signed under the second key", [session], key_version=2)
    yield "key-version-255", batches("signed under the last key", [session], key_version=255)
    uptime_rows = [(at_ms, "energy", 7, None, []) for at_ms in (0, 250, 90_000)]
    yield "unsynchronised", batches("no clock yet: times are uptimes", uptime_rows, quality=TimeQuality.UNSYNCHRONISED)
    for name, quality in (("edge", TimeQuality.EDGE), ("gps", TimeQuality.GPS)):
        yield f"quality-{name}", batches(f"time quality {name}", plain, quality=quality)
    yield "chain-of-three", batches("three batches of a boot", plain, [session, occupancy], charging_events(10))
    yield "last-seqs", batches("the last seqs of the last boot", plain, boot=0xFFFFFFFF, first_seq=0xFFFFFFFF - 2)
    names = [(f"attribute-{i}", f"value-{i}" if i % 3 else i) for i in range(16)]
    yield "sixteen-attributes", batches("as many attributes as an event may have", [(NOON_MS, "wide", 1, None, names)])
    retyped = [(NOON_MS, "tag", 1, None, [("id", 7)]), (NOON_MS, "tag", 1, None, [("id", "7")])]
    reordered = [(NOON_MS, "tag", 1, None, pairs) for pairs in ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)])]
    yield "shapes", batches("type and order of attributes make the shape", retyped + reordered + retyped)
    many = [(NOON_MS + i, f"k{i}", i, None, [("tag", f"t{i}")]) for i in range(130)]
    yield "many-strings", batches("numbers of strings and shapes that need two bytes", many)
    yield "long-strings", batches("strings of 255 bytes", [(NOON_MS, "k" * 255, 1, None, [("é" * 127, "v" * 255)])])


def json_vectors() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and contents of the vectors that hold batches in JSON rows."""
    plain = [(NOON_MS + i, "kwh", i, None, []) for i in range(3)]
    session: Row = (NOON_MS, "charging.session", 6706, None, [("emsp", "volt-pass"), ("session", 17)])
    occupancy: Row = (NOON_MS + 5, "occupancy", 1, "city", [("seconds", 5303)])
    bare: Row = (NOON_MS + 6, "occupancy", 1, "city", [])
    words = ("Straße", "東京", "⚡🔌", 'naïve\n\t"quoted\\"', "")
    unicode_rows = [(NOON_MS, "größe.°C", i, None, [("ort", word)]) for i, word in enumerate(words)]
    edges = [(NOON_MS + step, "edge", edge, None, [("opposite", -1 - edge)]) for step, edge in LIMITS]
    uptimes = [(at_ms, "energy", 7, None, []) for at_ms in (0, 250, 90_000)]
    yield "json-single-event", json_batches("one usage event", [(NOON_MS, "energy", 6706, None, [])])
    yield (
        "json-usage-and-exchange",
        json_batches(
            "usage with attributes, exchanges with and without, and the batch behind", [session, occupancy, bare], plain
        ),
    )
    yield "json-unicode", json_batches("strings beyond ASCII, control characters, quotation marks", unicode_rows)
    yield "json-limits", json_batches("the least and the largest integers, a clock that steps back", edges)
    yield (
        "json-unsynchronised",
        json_batches("no clock yet: times are uptimes", uptimes, quality=TimeQuality.UNSYNCHRONISED),
    )
    last = json_batches(
        "the last seqs of the last boot under the last key",
        plain,
        key_version=255,
        boot=0xFFFFFFFF,
        first_seq=0xFFFFFFFF - 2,
    )
    yield "json-last-seqs", last


def text_vector() -> dict[str, Any]:
    """Signed texts of every channel of format 1."""
    birth: dict[str, Any] = {
        "state": "on", "boot": BOOT, "next": 0, "prev": {"boot": 77, "next": 1234}, "fw": "0.1.0", "hw": "esp32",
        "up": 4211, "now": NOON_MS, "q": 1, "kinds": {"charging.session": {"unit": "Wh", "fields": ["emsp"]}},
    }  # fmt: skip
    will = {"state": "off", "boot": BOOT, "next": 0}
    receipt = Receipt("e-1", BOOT, 450, ((900, 1350),), 0, NOON_MS).body()
    place = {"state": "on", "boot": BOOT, "next": 0, "hw": "Zählerplatz ⚡"}
    rows = [("s", birth, "uplink"), ("s", will, "uplink"), ("s", place, "uplink"), ("a", receipt, "downlink")]
    secrets = {"uplink": UPLINK_KEY, "downlink": DOWNLINK_KEY}
    texts = [
        {
            "channel": channel,
            "body": body,
            "key": secrets[key].hex(),
            "text": text.seal(channel, body, secrets[key]).decode(),
        }
        for channel, body, key in rows
    ]
    return {"about": "birth, last will, a birth beyond ASCII, commit receipt", "type": "texts", "texts": texts}


def key_vector() -> dict[str, Any]:
    """Device keys of several names and versions."""
    names = [("ev-city", "cp-01", 1), ("ev-city", "cp-01", 2), ("ev-city", "cp-0", 1), ("ev-cit", "ycp-0", 1)]
    derived = []
    for ecosystem, device, version in names:
        pair = keys.derive(ROOT_KEY, ecosystem, device, version)
        derived.append(
            {
                "ecosystem": ecosystem,
                "device": device,
                "key_version": version,
                "uplink": pair.uplink.hex(),
                "downlink": pair.downlink.hex(),
            }
        )
    return {"about": "keys of devices", "type": "keys", "root_key": ROOT_KEY.hex(), "keys": derived}


def all_vectors() -> dict[str, dict[str, Any]]:
    """Every vector that this file can produce, by name."""
    return {**dict(batch_vectors()), **dict(json_vectors()), "signed-text": text_vector(), "device-keys": key_vector()}


def main() -> int:
    """Compare, and add what is missing if asked; the exit status is 1 when a vector differs or is missing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--add", action="store_true", help="write vectors that do not exist yet")
    add = arguments.parse_args().add
    wrong = 0
    for name, vector in all_vectors().items():
        path = VECTORS / f"{name}.json"
        if not path.exists() and add:
            path.write_text(json.dumps(vector, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: added")
        elif not path.exists() or json.loads(path.read_text(encoding="utf-8")) != vector:
            wrong += 1
            print(f"{name}: {'differs from what the code produces' if path.exists() else 'missing'}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
