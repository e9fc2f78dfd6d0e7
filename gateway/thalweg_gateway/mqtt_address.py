"""Where an MQTT broker is and how to sign in, from a URL."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from thalweg.errors import SetupError


class MqttAddress(NamedTuple):
    """Where a broker is and how to sign in."""

    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> MqttAddress:
        """From `mqtt[s]://[user:password@]host[:port]`; raises SetupError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SetupError("the broker's URL must look like mqtt://user:password@host:1883 (THALWEG_MQTT_URL)")
        is_tls = parts.scheme == "mqtts"
        user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or (8883 if is_tls else 1883), is_tls, user, password)
