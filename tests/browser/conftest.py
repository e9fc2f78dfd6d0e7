"""Chromium as Debian has it, and a live system to look at; both end with the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from worlds.live import Live, live_system

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# The limit only keeps a broken test from hanging; a busy machine may need seconds for what takes none on a quiet one.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Not for the whole session, as the plugin has it: while it runs, other tests cannot run an event loop."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (as root on Debian, `make test` installs it)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as launched:
        yield launched


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "locale": "en-IE", "reduced_motion": "reduce"}


@pytest.fixture(scope="package")
def live(browser: Browser) -> Iterator[Live]:  # noqa: ARG001 - without a browser there is nobody to look
    with live_system() as running:
        yield running


@pytest.fixture
def sign_in(live: Live) -> Callable[..., Page]:
    """Opens the sign-in link, then the page with a query, and returns once it is live."""

    def open_page(page: Page, query: str = "") -> Page:
        page.goto(live.signin_url)
        if query:
            page.goto(f"{live.url}/?{query}")
        expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
        return page

    return open_page


@pytest.fixture
def overview(page: Page, sign_in: Callable[..., Page]) -> Page:
    """The overview of the whole ecosystem over the last day, live."""
    return sign_in(page)
