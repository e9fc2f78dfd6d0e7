"""What a NATS server is answered when it asks whether a device may connect: claims, signed with the issuer's key."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import nkeys

from thalweg.errors import SetupError
from thalweg_gateway.auth_rights import Rights

#: the account in the servers' configuration that devices and gateways share
ACCOUNT: Final = "APP"
_HEAD: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
_SEED_BYTES: Final = 32


class AuthRequest(NamedTuple):
    """Who wants to connect."""

    user: str
    password: str
    #: None for a client that does not speak MQTT
    client_id: str | None
    #: the key that the server made for this connection
    user_key: str
    server: str

    @classmethod
    def parse(cls, token: bytes) -> AuthRequest:
        """From the server's token, which came over an account that only the servers and we can use."""
        body = token.split(b".")[1]
        asked = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))["nats"]
        options, client = asked["connect_opts"], asked["client_info"]
        client_id = client.get("mqtt_id", "") if client.get("type") == "mqtt" else None
        return cls(
            options.get("user", ""), options.get("pass", ""), client_id, asked["user_nkey"], asked["server_id"]["id"]
        )


class Issuer:
    """Signs answers; the servers' configuration names its public key."""

    def __init__(self, seed: str) -> None:
        """Raises SetupError when `seed` is no NATS account seed."""
        try:
            self._pair = nkeys.from_seed(seed.encode())
            self.public_key: Final = self._pair.public_key.decode()
        except (nkeys.NkeysError, ValueError):
            raise SetupError("the issuer's seed is no NATS account seed (THALWEG_NATS_ISSUER_SEED)") from None
        if not self.public_key.startswith("A"):
            raise SetupError("the issuer's seed is not that of an account: it must begin with SA")

    def admit(self, request: AuthRequest, rights: Rights, now_seconds: int) -> bytes:
        """Let the device connect, with the rights of its user name."""
        user = {
            "sub": request.user_key,
            "aud": ACCOUNT,
            "name": request.user,
            "nats": {
                "type": "user",
                "version": 2,
                "subs": -1,
                "data": -1,
                "payload": -1,
                "allowed_connection_types": ["MQTT"],
                **rights.of(request.user),
            },
        }
        return self._answer(request, {"jwt": self._sign(user, now_seconds).decode()}, now_seconds)

    def refuse(self, request: AuthRequest, why: str, now_seconds: int) -> bytes:
        """Refuse; the server logs `why`, the device does not see it."""
        return self._answer(request, {"error": why}, now_seconds)

    def _answer(self, request: AuthRequest, answer: Mapping[str, str], now_seconds: int) -> bytes:
        claims = {"type": "authorization_response", "version": 2, **answer}
        return self._sign({"sub": request.user_key, "aud": request.server, "nats": claims}, now_seconds)

    def _sign(self, claims: Mapping[str, Any], now_seconds: int) -> bytes:
        whole = {**claims, "iss": self.public_key, "iat": now_seconds, "jti": secrets.token_hex(16)}
        text = _base64(json.dumps(_HEAD).encode()) + b"." + _base64(json.dumps(whole).encode())
        return text + b"." + _base64(self._pair.sign(text))


def new_seed() -> str:
    """The seed of a new issuer: 256 random bits."""
    return str(nkeys.encode_seed(secrets.token_bytes(_SEED_BYTES), nkeys.PREFIX_BYTE_ACCOUNT).decode())


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
