"""MicroPython: prints, for each vector named on the command line, what the firmware's codec and signing produce.

``micropython encode_on_device.py FIRMWARE_DIR VECTOR.json ...``; one JSON object a line.
"""

import json
import sys
from collections import OrderedDict

sys.path.insert(0, sys.argv[1])

from tw.codec import BatchWriter
from tw.sign import Key, open_text, seal_text


def encode_batches(vector):
    writer = BatchWriter(Key(bytes.fromhex(vector["uplink_key"])), vector["key_version"], vector["boot"])
    writer.first_seq = vector["first_seq"]
    sealed = []
    for batch in vector["batches"]:
        for event in batch["events"]:
            attributes = OrderedDict([(name, value) for name, value in event["attributes"]])
            if not writer.add(event["at_ms"], event["kind"], event["quantity"], event["to"], attributes):
                raise SystemExit("an event does not fit")
        sealed.append(bytes(writer.seal(vector["quality"])).hex())
        writer.clear()
    return sealed


def check_texts(vector):
    bodies = []
    for entry in vector["texts"]:
        key = Key(bytes.fromhex(entry["key"]))
        opened = open_text(entry["channel"], entry["text"].encode(), key)
        again = open_text(entry["channel"], seal_text(entry["channel"], opened, key), key)
        bodies.append([opened, again])
    return bodies


for path in sys.argv[2:]:
    with open(path) as file:  # noqa: PTH123 (MicroPython has no pathlib)
        vector = json.load(file)
    result = encode_batches(vector) if vector["type"] == "batches" else check_texts(vector)
    print(json.dumps({"path": path, "result": result}))
