"""What every process on the store is told by its environment, and how it says what is wrong with it.

A setting may lie in a file instead, as secrets should: in a folder that THALWEG_SECRETS_DIR names (`database_url` there
is THALWEG_DATABASE_URL), or among the credentials that systemd hands over (`thalweg_database_url`).
"""

from __future__ import annotations

import os
from typing import Final, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from thalweg.errors import SetupError
from thalweg_store.logs import LogStyle

PREFIX = "THALWEG_"
#: variable that names a folder of settings → what the names of its files begin with
_FOLDERS: Final = {f"{PREFIX}SECRETS_DIR": "", "CREDENTIALS_DIRECTORY": PREFIX}


class StoreSettings(BaseSettings):
    """Settings of a process that works on the store; secrets have no default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr = Field(description="postgresql://…")
    log: LogStyle | None = Field(default=None, description="json or text; absent: text on a terminal only")

    @classmethod
    def from_environment(cls) -> Self:
        """The settings; raises SetupError that names every variable that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
            raise SetupError("\n".join(lines)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the folders of settings."""
        folders = (
            SecretsSettingsSource(settings_cls, os.environ[variable], env_prefix=prefix)
            for variable, prefix in _FOLDERS.items()
            if variable in os.environ
        )
        return (init_settings, env_settings, *folders)
