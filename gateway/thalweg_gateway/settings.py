"""What a gateway process is told by its environment: `THALWEG_…`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

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
    """Settings of one gateway process; secrets have no default.

    With a NATS URL, messages are taken from the server's stream, and the MQTT URL names the same servers' MQTT side.
    """

    nats_url: SecretStr | None = Field(default=None, description="nats://user:password@host:4222[,host:4222…]")
    nats_replicas: int = Field(default=1, ge=1, le=5, description="copies of every message; 3 on a cluster")
    nats_stream_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="what the stream may hold: below the server's max_file_store"
    )
    nats_ack_wait_seconds: int = Field(
        default=30, ge=1, le=3600, description="what a gateway that died had in hand is delivered again after so long"
    )
    mqtt_url: SecretStr | None = Field(default=None, description="mqtt[s]://user:password@host:port")
    mqtt_share: str = Field(
        default="",
        pattern=r"[A-Za-z0-9-]{0,32}",
        description="group of gateways that share one broker's messages by a shared subscription; empty = one gateway",
    )
    ecosystem: str = Field(description="id of the ecosystem whose devices this gateway serves")
    root_key: Annotated[SecretStr, AfterValidator(_checked)] = Field(description="64 hex digits or more")
    gateway_instance: str = Field(
        default="gateway-1", pattern=r"[a-z0-9-]{1,23}", description="also the MQTT client id: one for each gateway"
    )

    profiles: str = Field(
        default="",
        description="profiles of devices that are not ours, by comma: names of shipped ones, or files",
    )
    gateway_http: str | None = Field(
        default=None, description="port or host:port for /metrics, /healthz and /readyz; absent: none"
    )

    @model_validator(mode="after")
    def _names_a_broker(self) -> Self:
        if self.nats_url is None and self.mqtt_url is None:
            raise ValueError("name a broker: THALWEG_NATS_URL for NATS, THALWEG_MQTT_URL for any other")
        return self


class AuthSettings(StoreSettings):
    """Settings of the process that lets devices in at NATS servers."""

    nats_url: SecretStr = Field(description="nats://user:password@host:4222, the user of the callout's account")
    nats_system_url: SecretStr = Field(description="the same servers, a user of the system account")
    nats_issuer_seed: SecretStr = Field(description="SA…: seed of the account key that the servers trust")
    ecosystem: str = Field(description="id of the ecosystem whose devices are let in")
    profiles: str = Field(
        default="", description="as the gateways' own: devices may publish where their profiles look for them"
    )
    bridges: str = Field(
        default="", description="names of devices, by comma, that publish for others: on all topics of the profiles"
    )
    auth_http: str | None = Field(
        default=None, description="port or host:port for /metrics, /healthz and /readyz; absent: none"
    )
