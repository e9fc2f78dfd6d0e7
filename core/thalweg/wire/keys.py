"""Per-device keys, derived from an ecosystem's root key and never stored by the server.

HKDF-SHA-256 (RFC 5869), no salt, 32 bytes. The info string is the label, ecosystem, device and key version,
each behind one byte that gives its length, so that no two (ecosystem, device) pairs share an info string.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

KEY_BYTES: Final = 32
_UPLINK: Final = b"tw/batch/1"
_DOWNLINK: Final = b"tw/down/1"


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """The two keys that a device holds for one key version, 32 bytes each."""

    #: authenticates what the device sends: batches and signed text
    uplink: bytes
    #: authenticates what it is sent: receipts, configuration, commands
    downlink: bytes


def derive(root_key: bytes, ecosystem: str, device: str, key_version: int) -> DeviceKeys:
    """The keys of `device`; raises ValueError for a short root key or a version outside 1..255."""
    if len(root_key) < KEY_BYTES:
        raise ValueError(f"a root key has at least {KEY_BYTES} bytes, this one {len(root_key)}")
    if not 1 <= key_version <= 255:
        raise ValueError(f"key version {key_version} is outside 1..255")
    fields = (ecosystem.encode(), device.encode(), bytes([key_version]))
    return DeviceKeys(*(hkdf_sha256(root_key, _info(label, *fields), KEY_BYTES) for label in (_UPLINK, _DOWNLINK)))


def hkdf_sha256(secret: bytes, info: bytes, length: int, salt: bytes = b"") -> bytes:
    """`length` bytes of HKDF-SHA-256 (RFC 5869, sections 2.2 and 2.3)."""
    pseudorandom = hmac.digest(salt or bytes(32), secret, "sha256")
    out, block = b"", b""
    for counter in range(1, -(-length // hashlib.sha256().digest_size) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def _info(*fields: bytes) -> bytes:
    return b"".join(bytes([len(field)]) + field for field in fields)
