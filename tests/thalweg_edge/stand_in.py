"""A stand-in for the firmware's charge point that speaks the same lines; a folder made by `stand_in_firmware` has it.

It records each session as two events in one signed batch file, as the firmware does, and is its own gateway: what is
recorded is receipted. Run by CPython in place of MicroPython.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from thalweg.wire.batch import BatchWriter, Event


def stand_in_firmware(folder: Path) -> Path:
    """A firmware folder with this file as its charge point."""
    (folder / "sim").mkdir(parents=True)
    (folder / "sim" / "charge_point.py").symlink_to(Path(__file__))
    return folder


def _main() -> None:
    folder = Path(sys.argv[1])
    config = json.loads((folder / "device.json").read_text())
    outbox = folder / "outbox"
    outbox.mkdir(exist_ok=True)
    boot = int.from_bytes(os.urandom(4), "big")
    writer = BatchWriter(bytes.fromhex(config["uplink_key"]), boot, key_version=config["key_version"])
    recorded = 0
    serial = len(list(outbox.iterdir()))

    def say(what: str, content: object) -> None:
        print(json.dumps({what: content}), flush=True)

    def facts() -> dict[str, object]:
        return {"boot": boot, "recorded": recorded, "receipted": recorded, "outbox": 0, "connected": True}

    say("ready", {"device": config["device"], "boot": boot})
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("end"):
            break
        session = command["session"]
        end_ms = time.time_ns() // 1_000_000 if session["end_ms"] is None else session["end_ms"]
        is_live = int(session["end_ms"] is None)
        writer.add(Event(end_ms, "occupancy", 1, True, {"to": "city", "seconds": session["seconds"]}))
        attributes = {"emsp": session["emsp"], "session": session["id"], "live": is_live}
        writer.add(Event(end_ms, "charging.session", session["wh"], attributes=attributes))
        serial += 1
        (outbox / f"{serial:08x}").write_bytes(writer.seal())
        recorded += 2
        say("status", facts())
    else:
        time.sleep(600)  # no end was asked for: deliver for ever
    say("done", facts())


if __name__ == "__main__":
    _main()
