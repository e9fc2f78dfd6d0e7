"""The overview in a browser: from an event of the real firmware to a figure on the page."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from worlds.live import PRICE_PER_WH, Live

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("browser")]

SignIn = Callable[..., Page]
PHONE_WIDTH = 390
THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)
#: first columns of the tables in the CSV file
HEADS = ("exchange", "participant")
SCREENSHOTS_VARIABLE = "THALWEG_SCREENSHOTS"


def tile(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"tile-{name}").get_by_test_id("value")


def exact(locator: Locator, attribute: str = "data-value") -> Decimal:
    return Decimal(locator.get_attribute(attribute) or "")


def euros(amount: Decimal) -> str:
    """An amount below a thousand as the page writes it."""
    return f"€{amount:.2f}"


def gross_of(overview: Any) -> Decimal:
    [gross] = [Decimal(each["figure"]["value"]) for each in overview["tiles"] if each["id"] == "gross"]
    return gross


def test_a_session_charged_at_a_device_becomes_money_on_the_page_without_a_reload(
    overview: Page, live: Live, repository: Path
) -> None:
    before = exact(tile(overview, "gross"))
    navigations: list[str] = []
    overview.on("framenavigated", lambda frame: navigations.append(frame.url))
    overview.evaluate("window.untouched = true")

    live.charge_point.charge(12_345, emsp="e-roamer")

    paid = before + 12_345 * PRICE_PER_WH
    expect(tile(overview, "gross")).to_have_text(euros(paid))
    assert exact(tile(overview, "gross")) == paid, "0.50 a kWh, to the last digit"
    fee = overview.get_by_test_id("flow-charging-fee-drivers-e-roamer")
    expect(fee).to_have_attribute("data-conformance", "conforming")
    expect(overview.get_by_test_id("label-charging-fee-drivers-e-roamer")).to_contain_text("€6.17")
    shares = overview.get_by_test_id("settled")
    assert sum(Decimal(share.get_attribute("data-exact") or "") for share in shares.all()) == paid
    settled = sum((Decimal(text.removeprefix("€")) for text in shares.all_inner_texts()), Decimal(0))
    assert euros(settled) == overview.get_by_test_id("gross").inner_text() == euros(paid)
    assert overview.evaluate("window.untouched") is True
    assert navigations == []
    folder = Path(os.environ.get(SCREENSHOTS_VARIABLE) or repository / "var")
    overview.screenshot(path=folder / "overview.png", full_page=True)


def test_standing_in_a_participants_shoes_is_in_the_address_and_survives_a_reload(overview: Page) -> None:
    overview.get_by_test_id("view-select").select_option("city-charge")
    for name in ("captured", "net_cash", "share", "capture_ratio", "events_per_minute", "silent"):
        expect(tile(overview, name)).to_be_visible()
    expect(overview).to_have_url(re.compile(r"[?&]view=city-charge\b"))
    overview.reload()
    expect(overview.get_by_test_id("view-select")).to_have_value("city-charge")
    expect(overview.get_by_test_id("headline")).to_contain_text("City Charge")
    expect(tile(overview, "captured")).to_be_visible()
    expect(tile(overview, "created")).to_have_count(0)


def test_the_window_is_in_the_address_and_decides_the_figures(overview: Page, live: Live) -> None:
    day, week = gross_of(live.overview("24h")), gross_of(live.overview("7d"))
    assert week == day + 5, "the session of three days ago"
    expect(tile(overview, "gross")).to_have_text(euros(day))
    overview.get_by_test_id("window-7d").click()
    expect(tile(overview, "gross")).to_have_text(euros(week))
    expect(overview).to_have_url(re.compile(r"[?&]window=7d\b"))
    overview.go_back()
    expect(tile(overview, "gross")).to_have_text(euros(day))
    expect(overview.get_by_test_id("window-24h")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("token", [None, "no-such-token"])
def test_without_a_valid_token_the_page_asks_to_sign_in(page: Page, live: Live, token: str | None) -> None:
    if token is not None:
        page.context.add_cookies([{"name": "thalweg_token", "value": token, "url": live.url}])
    page.goto(live.url)
    failure = page.get_by_test_id("failure")
    expect(failure).to_have_attribute("data-kind", "signed_out")
    expect(failure.get_by_role("heading")).to_have_text("Open your sign-in link")
    expect(page.get_by_test_id("overview")).to_have_count(0)


def test_a_sign_in_link_that_is_not_valid_says_what_to_do(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/signin?token=no-such-token")
    expect(page.locator("body")).to_contain_text("sign-in link")


def test_while_the_api_is_away_the_figures_stay_and_are_called_old(overview: Page, live: Live) -> None:
    gross = tile(overview, "gross").inner_text()
    state = overview.get_by_test_id("live-state")
    live.stop_api()
    try:
        expect(state).to_have_attribute("data-state", "reconnecting")
        expect(overview.get_by_test_id("not-live")).to_be_visible()
        expect(tile(overview, "gross")).to_have_text(gross)
        expect(state).to_have_attribute("data-state", "stale")
        expect(overview.get_by_test_id("banner")).to_contain_text("Not live")
        expect(tile(overview, "gross")).to_have_text(gross)
    finally:
        live.start_api()
    expect(state).to_have_attribute("data-state", "live")
    expect(overview.get_by_test_id("not-live")).to_have_count(0)
    expect(overview.get_by_text("Not live")).to_have_count(0)


def test_the_table_says_what_the_map_shows(page: Page, sign_in: SignIn, live: Live) -> None:
    sign_in(page, "window=7d")
    labels = {
        (label.get_attribute("data-testid") or "").removeprefix("label-"): label.locator("strong").inner_text()
        for label in page.locator("[data-testid^=label-]").all()
    }
    captured = {
        (node.get_attribute("data-testid") or ""): node.locator(".amount").all_inner_texts()
        for node in page.locator("button[data-testid^=node-]").all()
    }
    flows = live.overview("7d")["flows"]
    assert len(labels) > len(flows) / 2, "most lines have room for a label"
    page.get_by_test_id("map-table").click()
    rows = page.get_by_test_id("flow-table").locator("tbody tr")
    expect(rows).to_have_count(len(flows))
    for key, amount in labels.items():
        row = page.get_by_test_id(f"flow-{key}")
        if row.get_by_text("at cost").count():  # then the label says the quantity, to three digits
            number, unit = amount.split()
            quantity = row.get_by_test_id("quantity")
            assert Decimal(number) == THREE_DIGITS.plus(exact(quantity))
            expect(quantity).to_contain_text(unit)
        else:
            expect(row.get_by_test_id("worth")).to_contain_text(amount)
    for name, (contributes, captures) in captured.items():
        cells = page.get_by_test_id(name).get_by_role("cell").all_inner_texts()
        assert cells[1:3] == [contributes, captures]


def test_the_csv_holds_the_figures_on_the_page(page: Page, sign_in: SignIn) -> None:
    sign_in(page, "window=7d&map=table")
    with page.expect_download() as download:
        page.get_by_test_id("csv").click()
    assert download.value.suggested_filename == "ev-charging-all-7d.csv"
    rows = list(csv.reader(download.value.path().read_text(encoding="utf-8").splitlines()))
    flow_head, share_head = (next(i for i, row in enumerate(rows) if row[:1] == [name]) for name in HEADS)
    flows = [dict(zip(rows[flow_head], row, strict=True)) for row in rows[flow_head + 1 : share_head] if row]
    in_file = {
        "-".join(flow[name] for name in ("exchange_id", "from_id", "to_id")): (flow["worth"], flow["quantity"])
        for flow in flows
    }
    on_page = {
        (row.get_attribute("data-testid") or "").removeprefix("flow-"): (
            row.get_by_test_id("worth").get_attribute("data-value"),
            row.get_by_test_id("quantity").get_attribute("data-value"),
        )
        for row in page.get_by_test_id("flow-table").locator("tbody tr").all()
    }
    assert in_file == on_page
    shares = [dict(zip(rows[share_head], row, strict=True)) for row in rows[share_head + 1 :]]
    assert {
        f"share-{share['participant_id']}": (share["exact"], euros(Decimal(share["settled"]))) for share in shares
    } == {
        row.get_attribute("data-testid"): (
            row.get_by_test_id("settled").get_attribute("data-exact"),
            row.get_by_test_id("settled").inner_text(),
        )
        for row in page.get_by_test_id("shares").locator("tbody tr").all()
    }


def test_everything_can_be_reached_and_used_by_keyboard(overview: Page) -> None:
    _tab_to(overview, "view-select")
    overview.keyboard.type("Roam")
    expect(overview).to_have_url(re.compile(r"view=roam-hub"))
    _tab_to(overview, "window-7d")
    overview.keyboard.press("Enter")
    expect(overview.get_by_test_id("window-7d")).to_have_attribute("aria-pressed", "true")
    _tab_to(overview, "map-table")
    overview.keyboard.press("Space")
    expect(overview.get_by_test_id("flow-table")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024, 768, PHONE_WIDTH])
def test_figures_come_where_their_outline_was(page: Page, live: Live, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live.signin_url)
    held: list[Any] = []
    page.route("**/api/v1/session", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.reload(wait_until="commit")
    outline = page.get_by_test_id("skeleton")
    expect(outline).to_be_visible()
    page.evaluate("document.fonts.ready.then(() => true)")
    panels = outline.locator(".panel").all()
    places = [number for panel in panels for number in _corner(panel)]
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    figures = [*page.locator("[data-testid^=tile-]").all(), page.get_by_test_id("value-map")]
    assert len(figures) == len(panels)
    seen = len(figures) if width > PHONE_WIDTH else 2  # further down on a phone, labels may take two lines
    corners = [number for figure in figures[:seen] for number in _corner(figure)]
    assert corners == pytest.approx(places[: len(corners)], abs=2)


def _corner(locator: Locator) -> tuple[float, float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"]


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the element has the focus, and see that it shows it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.dataset.testid")
        if focused == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    pytest.fail(f"the keyboard does not reach {name}")
