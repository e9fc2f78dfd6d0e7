"""What the API process is told by its environment: `THALWEG_…`."""

from __future__ import annotations

from pydantic import Field

from thalweg_store.settings import StoreSettings


class ApiSettings(StoreSettings):
    """Settings of one API process."""

    api_host: str = Field(default="127.0.0.1", description="address to listen on")
    api_port: int = Field(default=8090, ge=1, le=65535)
