"""What every process on the store is told by its environment, and how it says what is wrong with it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from thalweg.errors import SetupError

PREFIX = "THALWEG_"


class StoreSettings(BaseSettings):
    """Settings of a process that works on the store; secrets have no default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr = Field(description="postgresql://…")

    @classmethod
    def from_environment(cls) -> Self:
        """The settings; raises SetupError that names every variable that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
            raise SetupError("\n".join(lines)) from None
