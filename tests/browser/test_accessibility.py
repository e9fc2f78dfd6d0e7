"""No barrier that axe-core can find, in either colour scheme and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from worlds.live import Live

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("browser")]

LAPTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
RULES = "axe.run(document, {resultTypes: ['violations']})"
SHORT = ".then(answer => answer.violations.map(({id, nodes}) => `${id}: ${nodes.map(node => node.html).join(' ')}`))"


@pytest.fixture(scope="module")
def axe(repository: Path) -> str:
    source = repository / "dashboards/node_modules/axe-core/axe.min.js"
    if not source.exists():
        pytest.skip("axe-core is not installed (`python hatch_build.py` installs it with the dashboards' packages)")
    return source.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: list[str] = page.evaluate(RULES + SHORT)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_overview_has_no_barrier(
    page: Page, sign_in: Callable[..., Page], axe: str, size: ViewportSize, scheme: str
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, "window=7d&view=city-charge")
    page.get_by_role("button", name="What is").first.click()
    assert violations(page, axe) == []
    page.get_by_test_id("map-table").click()
    expect(page.get_by_test_id("flow-table")).to_be_visible()
    assert violations(page, axe) == []


@pytest.mark.parametrize(("size", "scheme"), [(LAPTOP, "light"), (PHONE, "dark")], ids=["laptop", "phone"])
def test_the_metrics_have_no_barrier(
    page: Page, sign_in: Callable[..., Page], axe: str, size: ViewportSize, scheme: str
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, "page=metrics&window=7d")
    expect(page.get_by_test_id("verdict-Fair")).to_be_visible()
    captured = page.get_by_test_id("metric-m2")
    for name in ("What is", "participants"):
        captured.get_by_role("button", name=name).click()
    page.get_by_test_id("estimates").locator("summary").click()
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "nothing to scroll sideways for"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_request_to_sign_in_has_no_barrier(page: Page, live: Live, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(live.url)
    expect(page.get_by_test_id("failure")).to_be_visible()
    assert violations(page, axe) == []
