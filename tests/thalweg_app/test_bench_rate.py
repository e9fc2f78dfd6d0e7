"""The benchmark of rating says what it measures, in the form that all benchmarks have."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from thalweg_app.commands import app


@pytest.mark.slow
def test_it_prints_allocations_with_their_bar_and_a_yardstick_of_the_same_run():
    result = CliRunner().invoke(app, ["bench", "rate", "--json"])
    figures = json.loads(result.stdout)
    allocations = [each for each in figures if each["name"].startswith("five-step allocations")]
    assert [each["bar"] for each in allocations] == [180_000] * 3
    assert any(each["name"].startswith("what-if over 5 M rollup rows") for each in figures)
    assert all(each["value"] > 0 and each["yardstick"]["value"] > 0 for each in figures)
    assert result.exit_code == (0 if all(each["ok"] for each in figures) else 1)
