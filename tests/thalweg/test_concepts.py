"""The guide from the paper to the code names tests, modules and files that exist."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "value-design.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| (?P<concept>.+?) \| `(?P<module>[\w.]+)` \| `(?P<file>[\w/]+\.py)::(?P<test>\w+)` \|$", GUIDE, re.MULTILINE
)


@pytest.mark.parametrize(("module", "file", "test"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_concept_names_a_module_and_a_test_that_exist(module, file, test):
    assert importlib.util.find_spec(module) is not None
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_of_the_table_was_read_and_each_pillar_is_there():
    table = GUIDE.partition("| --- | --- | --- |\n")[2]
    assert len(ROWS) == len(table.strip().splitlines())
    pillars = [concept for concept, *_ in ROWS if concept.startswith("**")]
    assert [re.sub(r"\*\*(\w+)\*\*.*", r"\1", pillar) for pillar in pillars] == [
        "node",
        "driver",
        "exchange",
        "extract",
        "design",
    ]


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target
