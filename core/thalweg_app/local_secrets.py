"""The secrets of a single-machine system: made at its first start, kept beside its data, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError
from thalweg.wire.keys import KEY_BYTES
from thalweg_app.nats import AUTH, GATEWAY, SYSTEM, NatsSecrets, new_password
from thalweg_gateway.auth_claims import new_seed

FILE_NAME: Final = "secrets.json"


class LocalSecrets:
    """The ecosystem's root key, the broker's passwords, and the key that signs devices' rights there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        folder.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            try:
                content = json.loads(self._path.read_text(encoding="utf-8"))
                self.root_key = bytes.fromhex(content["root_key"])
                self._passwords = dict(content["passwords"])
                self._issuer_seed = content.get("issuer_seed") or new_seed()
            except (ValueError, KeyError, TypeError):
                raise SetupError(
                    f"{self._path} is damaged: restore it, since without its root key no device of this data can be "
                    "verified; or remove the whole folder to begin anew"
                ) from None
        else:
            self.root_key = secrets.token_bytes(KEY_BYTES)
            self._passwords = {}
            self._issuer_seed = new_seed()
            self._write()

    def passwords(self, users: list[str]) -> dict[str, str]:
        """A password for each broker user, new ones for new users."""
        missing = [user for user in users if user not in self._passwords]
        if missing:
            self._passwords |= {user: new_password() for user in missing}
            self._write()
        return {user: self._passwords[user] for user in users}

    def nats(self) -> NatsSecrets:
        """What the embedded NATS server and our processes share."""
        own = self.passwords([GATEWAY, AUTH, SYSTEM])
        return NatsSecrets(own[GATEWAY], own[AUTH], own[SYSTEM], self._issuer_seed)

    def _write(self) -> None:
        unfinished = self._path.with_suffix(".new")
        content = {"root_key": self.root_key.hex(), "passwords": self._passwords, "issuer_seed": self._issuer_seed}
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        unfinished.replace(self._path)
