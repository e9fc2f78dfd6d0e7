"""The quick reader of JSON rows: typed, strict, and silent about whatever is not as usual.

What it reads, `json_batch` reads alike; what it does not read, `json_batch` judges. It needs msgspec and NumPy, which
the edge does without: nothing that the edge imports may import this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from msgspec import UNSET, Meta, MsgspecError, Struct, UnsetType
from msgspec.json import Decoder

from thalweg.wire import json_batch
from thalweg.wire.batch import MAX_BATCH_BYTES, VERSION, Header, TimeQuality
from thalweg.wire.header_columns import Headers
from thalweg.wire.varint import SIGNED_LIMIT

_SEQ_LIMIT: Final = 1 << 32
#: a full stop and 32 hex digits
_TAIL_BYTES: Final = 33
_FULL_STOP: Final = b"."
_FIRST_BYTE: Final = json_batch.FIRST_BYTE[0]

_Byte = Annotated[int, Meta(ge=0, le=255)]
_Uint32 = Annotated[int, Meta(ge=0, lt=_SEQ_LIMIT)]
_Int64 = Annotated[int, Meta(ge=-SIGNED_LIMIT, le=SIGNED_LIMIT - 1)]


class Row(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """One event."""

    step: _Int64
    kind: str
    quantity: _Int64
    attributes: dict[str, _Int64 | str] = {}
    to: str | UnsetType = UNSET


class JsonBatch(Struct, forbid_unknown_fields=True, gc=False):
    """A whole text; keys that stand twice are not noticed here, nor a digest that is none."""

    v: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    key: _Byte
    boot: _Uint32
    seq: _Uint32
    q: Annotated[int, Meta(ge=0, le=TimeQuality.GPS)]
    at: Annotated[int, Meta(ge=0, le=SIGNED_LIMIT - 1)]
    rows: Annotated[list[Row], Meta(min_length=1)]
    prev: str | UnsetType = UNSET


_decoder: Final = Decoder(JsonBatch)
_NO_HEADER: Final = (0,) * 6
_UNUSUAL: Final = (MsgspecError, UnicodeDecodeError, RecursionError)


def text_of(message: bytes) -> bytes:
    """The JSON of what looks like a signed text of JSON rows; empty where it does not."""
    if message[-_TAIL_BYTES : 1 - _TAIL_BYTES] != _FULL_STOP or len(message) > MAX_BATCH_BYTES:
        return b""
    return message[:-_TAIL_BYTES] if message[0] == _FIRST_BYTE else b""


def read_all(texts: Sequence[bytes]) -> Sequence[JsonBatch | None]:
    """What each text says, unproved; None where one is not as usual."""
    lines = b"\n".join(texts)
    if all(texts) and lines.count(b"\n") == len(texts) - 1:
        try:
            bodies = _decoder.decode_lines(lines)
        except _UNUSUAL:
            bodies = []
        if len(bodies) == len(texts):  # a line may hold several values
            return [body if len(body.rows) <= _SEQ_LIMIT - body.seq else None for body in bodies]
    return [_read(text) for text in texts]


def read_header(message: bytes) -> Header:
    """`json_batch.read_header`, quickly; raises UnknownVersion or MalformedMessage."""
    body = _read(text_of(message))
    if body is None:
        return json_batch.read_header(message)
    return Header(VERSION, body.key, body.boot, body.seq, len(body.rows), body.q, body.at)


def read_headers(messages: Sequence[bytes]) -> Headers:
    """The headers of `messages`; valid is what is as usual, which `read_header` accepts too."""
    bodies = read_all([text_of(message) for message in messages])
    rows = [(body.key, body.boot, body.seq, len(body.rows), body.q, body.at) if body else _NO_HEADER for body in bodies]
    key_version, boot, first_seq, count, time_quality, base_ms = np.array(rows, np.int64).reshape(-1, 6).T
    return Headers(
        is_valid=count > 0,
        key_version=key_version,
        boot=boot,
        first_seq=first_seq,
        count=count,
        time_quality=time_quality,
        base_ms=base_ms.astype(np.uint64),
        event_bytes=np.zeros(len(messages), np.int64),
    )


def _read(text: bytes) -> JsonBatch | None:
    try:
        body = _decoder.decode(text)
    except _UNUSUAL:
        return None
    return body if len(body.rows) <= _SEQ_LIMIT - body.seq else None
