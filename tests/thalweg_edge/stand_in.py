"""A stand-in for the firmware's simulated board that speaks the same lines.

It records the events of each line in one signed batch file, as the firmware does with what closes a bill, and is its
own gateway: what is recorded is receipted. Run by CPython in place of MicroPython, from a folder that
`stand_in_firmware` makes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from thalweg.wire.batch import BatchWriter, Event


def stand_in_firmware(folder: Path) -> Path:
    """A firmware folder with this file as its simulated board."""
    (folder / "sim").mkdir(parents=True)
    (folder / "sim" / "device.py").symlink_to(Path(__file__))
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
        is_live = command["at_ms"] is None
        at_ms = time.time_ns() // 1_000_000 if is_live else command["at_ms"]
        for kind, quantity, to, attributes in command["events"]:
            details = {**attributes, "live": int(is_live), **({} if to is None else {"to": to})}
            writer.add(Event(at_ms, kind, quantity, to is not None, details))
        serial += 1
        (outbox / f"{serial:08x}").write_bytes(writer.seal())
        recorded += len(command["events"])
        say("status", facts())
    else:
        time.sleep(600)  # no end was asked for: deliver for ever
    say("done", facts())


if __name__ == "__main__":
    _main()
