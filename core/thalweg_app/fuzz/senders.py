"""The devices that messages come from: usual ones, and one of each kind that is not."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from thalweg.wire.batch import MAC_BYTES
from thalweg.wire.keys import derive
from thalweg.wire.topics import Channel, device_topic
from thalweg_app.demo_world import ECOSYSTEM, register
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, Registry

_USUAL: Final = 40
REVOKED: Final = "revoked"
UNREGISTERED: Final = "unregistered"
ROTATED: Final = "rotated"
STOLEN: Final = ("stolen-1", "stolen-2")


@dataclass(frozen=True, slots=True)
class Sender:
    """One device, with the keys that it signs with."""

    name: str
    #: by key version, the first of which is 1
    uplink_keys: tuple[bytes, ...]

    def topic(self, channel: Channel) -> str:
        """Where it publishes."""
        return device_topic(ECOSYSTEM, self.name, channel)

    def sign_batch(self, batch: bytes) -> bytes:
        """`batch` with an authentication code that verifies, whatever the rest of it is."""
        version = batch[1] if len(batch) > 1 else 1
        key = self.uplink_keys[version - 1] if 1 <= version <= len(self.uplink_keys) else self.uplink_keys[0]
        body = batch[:-MAC_BYTES]
        return body + hmac.digest(key, body, "sha256")[:MAC_BYTES]

    def sign_text(self, channel: Channel, text: bytes) -> bytes:
        """`text` as signed text, whether it is JSON or not."""
        code = hmac.digest(self.uplink_keys[-1], channel.encode() + b"\n" + text, "sha256")
        return text + b"." + code[:MAC_BYTES].hex().encode()


def register_senders(database: Database, root_key: bytes, now: datetime) -> list[Sender]:
    """All senders, the usual ones first, on a store that was empty."""
    usual = [f"cp-{number:02}" for number in range(_USUAL)]
    register(database, [*usual, REVOKED, ROTATED, *STOLEN], now)
    registry = Registry(database)
    registry.deactivate(ECOSYSTEM, REVOKED)
    registry.rotate_key(ECOSYSTEM, ROTATED)
    for stolen in STOLEN:
        registry.compromise_key(ECOSYSTEM, stolen, 1, BEGINNING)
    versions = {ROTATED: 2}
    return [
        Sender(name, tuple(_uplink(root_key, name, version + 1) for version in range(versions.get(name, 1))))
        for name in (*usual, REVOKED, ROTATED, *STOLEN, UNREGISTERED)
    ]


def _uplink(root_key: bytes, name: str, version: int) -> bytes:
    return derive(root_key, ECOSYSTEM, name, version).uplink
