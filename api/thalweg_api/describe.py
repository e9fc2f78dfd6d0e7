"""Print the API's OpenAPI description: `python -m thalweg_api.describe`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from thalweg_api.app import create_app
from thalweg_store.database import Database


def description() -> str:
    """The OpenAPI description as JSON text; needs no running database."""
    app = create_app(Database("postgresql://nobody@localhost/none"), dashboards=Path("/nonexistent"))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())
