"""Unsigned batches of one event: how messages of devices that are not ours are kept beside signed batches.

::

    {"v":1,"key":0,"boot":3,"seq":17,"q":1,"at":1764000000123,"rows":[[0,"energy",6706]]}.00000000000000000000000000000000

It is a batch in JSON rows under the reserved key version 0, with a code of zeros. A gateway writes it itself and never
takes one from a broker: device keys have versions from 1 on. `boot` is the number of the profile's version that read
the message, `seq` counts its messages of the device.
"""

from __future__ import annotations

import json
from typing import Final

from thalweg.wire.authentication import CODE_BYTES
from thalweg.wire.batch import VERSION, Event, Header
from thalweg.wire.json_writer import row_of

#: no device key has it
KEY_VERSION: Final = 0
_NO_CODE: Final = b"." + b"0" * (2 * CODE_BYTES)


def is_unsigned(header: Header) -> bool:
    """Whether a batch proves nothing about who made it."""
    return header.key_version == KEY_VERSION


def unsigned_batch(event: Event, boot: int, seq: int, time_quality: int) -> bytes:
    """`event` as a batch; raises ValueError for an exchange without a receiver."""
    body = {
        "v": VERSION,
        "key": KEY_VERSION,
        "boot": boot,
        "seq": seq,
        "q": time_quality,
        "at": event.at_ms,
        "rows": [row_of(event, 0)],
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + _NO_CODE
