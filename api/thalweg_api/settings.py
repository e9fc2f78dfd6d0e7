"""What the API process is told by its environment: `THALWEG_…`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """Settings of one API process; secrets have no default."""

    model_config = SettingsConfigDict(env_prefix="THALWEG_", extra="ignore")

    database_url: SecretStr = Field(description="postgresql://…")
    api_host: str = Field(default="127.0.0.1", description="address to listen on")
    api_port: int = Field(default=8090, ge=1, le=65535)
