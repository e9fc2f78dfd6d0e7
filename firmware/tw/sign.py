"""Authentication codes (HMAC-SHA-256 cut to 16 bytes), digests, and signed text as in `docs/protocol.md`."""

import hashlib
import json

from micropython import const

from tw.errors import BadText

MAC_BYTES = const(16)
DIGEST_BYTES = const(16)
_BLOCK_BYTES = const(64)
_CODE_DIGITS = const(32)


class Key:
    """A secret of at most 64 bytes with its HMAC pads computed once, since MicroPython has no hmac module."""

    def __init__(self, secret: bytes) -> None:
        padded = secret + bytes(_BLOCK_BYTES - len(secret))
        self._inner_pad = bytes(byte ^ 0x36 for byte in padded)
        self._outer_pad = bytes(byte ^ 0x5C for byte in padded)

    def mac(self, *parts: bytes | bytearray | memoryview) -> bytes:
        """The authentication code of the concatenated `parts`, 16 bytes."""
        inner = hashlib.sha256(self._inner_pad)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self._outer_pad)
        outer.update(inner.digest())
        return outer.digest()[:MAC_BYTES]


def digest(batch: bytes | bytearray | memoryview) -> bytes:
    """The first 16 bytes of the SHA-256 of a whole batch."""
    return hashlib.sha256(batch).digest()[:DIGEST_BYTES]


def equal(code: bytes | memoryview, other: bytes | memoryview) -> bool:
    """Whether two codes are the same, in a time that does not tell where they differ."""
    if len(code) != len(other):
        return False
    difference = 0
    for position in range(len(code)):
        difference |= code[position] ^ other[position]
    return difference == 0


def seal_text(channel: str, body: dict[str, object], key: Key) -> bytes:
    """`body` as signed text for the channel with this letter."""
    text = json.dumps(body, separators=(",", ":")).encode()
    return text + b"." + _code(channel, text, key)


def open_text(channel: str, message: bytes | memoryview, key: Key) -> dict[str, object]:
    """The body of a signed text; raises BadText when it is not what the holder of `key` sent on `channel`."""
    end = len(message) - _CODE_DIGITS - 1
    if end < 0 or message[end] != ord("."):
        raise BadText("no signed text")
    text = memoryview(message)[:end]
    if not equal(_code(channel, text, key), memoryview(message)[end + 1 :]):
        raise BadText("the text's authentication code does not match")
    try:
        body = json.loads(bytes(text))
    except ValueError:
        raise BadText("the text is not JSON") from None
    if not isinstance(body, dict):
        raise BadText("the text is no JSON object")
    return body


def _code(channel: str, text: bytes | memoryview, key: Key) -> bytes:
    return key.mac(channel.encode(), b"\n", text).hex().encode()
