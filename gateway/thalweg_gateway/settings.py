"""What a gateway process is told by its environment: `THALWEG_…`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from thalweg.wire.keys import KEY_BYTES
from thalweg_store.settings import StoreSettings

_MIN_DISTINCT_BYTES = 12


def parse_root_key(text: str) -> bytes:
    """A root key from its hex digits; raises ValueError for one that is short or looks like a sample."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ValueError("the root key is not hexadecimal") from None
    if len(key) < KEY_BYTES:
        raise ValueError(
            f"the root key has {len(key)} bytes; it needs {KEY_BYTES}: make one with `openssl rand -hex 32`"
        )
    if len(set(key)) < _MIN_DISTINCT_BYTES:
        raise ValueError("the root key looks like a sample: make one with `openssl rand -hex 32`")
    return key


def _checked(value: SecretStr) -> SecretStr:
    parse_root_key(value.get_secret_value())
    return value


class GatewaySettings(StoreSettings):
    """Settings of one gateway process; secrets have no default."""

    mqtt_url: SecretStr = Field(description="mqtt[s]://user:password@host:port")
    ecosystem: str = Field(description="id of the ecosystem whose devices this gateway serves")
    root_key: Annotated[SecretStr, AfterValidator(_checked)] = Field(description="64 hex digits or more")
    gateway_instance: str = Field(
        default="gateway-1", pattern=r"[a-z0-9-]{1,23}", description="also the MQTT client id"
    )
