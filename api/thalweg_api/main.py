"""The API process: `python -m thalweg_api.main`."""

from __future__ import annotations

import sys

import uvicorn

from thalweg.errors import ThalwegError
from thalweg_api.app import create_app
from thalweg_api.memory import collect_seldom
from thalweg_api.settings import ApiSettings
from thalweg_store import logs
from thalweg_store.database import Database


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 when the settings are wrong."""
    try:
        settings = ApiSettings.from_environment()
        logs.configure(settings.log, "api")
        app = create_app(Database(settings.database_url.get_secret_value()))
        collect_seldom()
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        timeout_graceful_shutdown=2,
        access_log=False,
        log_config=None,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
