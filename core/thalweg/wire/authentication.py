"""Authentication codes: HMAC-SHA-256 (RFC 2104), cut to 16 bytes."""

from __future__ import annotations

import hmac
from typing import Final

CODE_BYTES: Final = 16


def code(key: bytes, message: bytes, purpose: bytes = b"") -> bytes:
    """The code of `purpose` and `message`, one behind the other, under `key`: 16 bytes."""
    return hmac.digest(key, purpose + message, "sha256")[:CODE_BYTES]
