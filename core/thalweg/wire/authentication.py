"""Authentication codes: HMAC-SHA-256 (RFC 2104), cut to 16 bytes."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

CODE_BYTES: Final = 16
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(value ^ 0x36 for value in range(256))
_OUTER: Final = bytes(value ^ 0x5C for value in range(256))


def code(key: bytes, message: bytes, purpose: bytes = b"") -> bytes:
    """The code of `purpose` and `message`, one behind the other, under `key`: 16 bytes."""
    return hmac.digest(key, purpose + message, "sha256")[:CODE_BYTES]


class Codes:
    """The codes under one key for one purpose: what depends on these alone is computed once, half of a short one."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, purpose: bytes = b"") -> None:
        """A key has at most 64 bytes."""
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        if len(padded) > _BLOCK_BYTES:
            raise ValueError(f"a key of {len(key)} bytes; codes are made with at most {_BLOCK_BYTES}")
        self._inner = hashlib.sha256(padded.translate(_INNER) + purpose)
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def of(self, message: bytes) -> bytes:
        """What `code` gives for `message`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()[:CODE_BYTES]
