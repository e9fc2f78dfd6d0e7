from __future__ import annotations

from pathlib import Path

from thalweg_api.describe import description


def test_the_committed_description_of_the_api_is_what_the_code_says(repository: Path) -> None:
    committed = (repository / "api" / "openapi.json").read_text(encoding="utf-8")
    assert committed == description(), "run `make openapi` and `npm run types` in dashboards/"
