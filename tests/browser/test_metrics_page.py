"""The page of metrics in a browser: what the API reads, under the question that it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from thalweg_app.demo_world import ECOSYSTEM
from worlds.live import Live

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("browser")]

SignIn = Callable[..., Page]


@pytest.fixture
def metrics(page: Page, sign_in: SignIn) -> Page:
    """The metrics of the whole ecosystem over a week, in which one session was charged, with their analyses."""
    sign_in(page, "page=metrics&window=7d")
    expect(page.get_by_test_id("analyses-state")).to_have_attribute("data-current", re.compile("true|false"))
    return page


def answer(live: Live, query: str, resource: str = "metrics") -> Any:
    return live.system.get(f"/api/v1/ecosystems/{ECOSYSTEM}/{resource}?{query}", live.token)


def row(page: Page, metric: str) -> Locator:
    return page.get_by_test_id(f"metric-{metric}")


def values(cells: list[Locator]) -> list[str | None]:
    return [cell.get_attribute("data-value") for cell in cells]


def test_money_only_and_all_value_stand_beside_each_other_as_the_api_reads_them(metrics: Page, live: Live) -> None:
    read = {
        each["metric"]: each["value"] for each in answer(live, "window=7d")["readings"] if each["level"] == "design"
    }
    for basis, metric in (("money", "m9"), ("all", "m9.all")):
        expect(row(metrics, "m9").get_by_test_id(basis).get_by_test_id("value")).to_have_attribute(
            "data-value", read[metric]
        )
    catalogue = live.system.get("/api/v1/metrics", live.token)
    rows = metrics.locator("[data-testid^=metric-]").count()
    pairs = sum(metric["id"].split(".")[-1].split("-")[0] in {"all", "money"} for metric in catalogue)
    assert rows == len(catalogue) - pairs, "every metric of the catalogue is on the page, once"


def test_what_has_no_value_says_why_and_is_not_zero(metrics: Page) -> None:
    distance = row(metrics, "m38")
    expect(distance.get_by_test_id("reason")).to_have_text("takes another design to compare with")
    expect(distance.get_by_test_id("value")).to_have_count(0)


def test_a_metric_says_its_formula_and_source_and_what_it_is_made_of(metrics: Page, live: Live) -> None:
    contribution = row(metrics, "m14")
    contribution.get_by_role("button", name="What is").press("Enter")
    expect(contribution).to_contain_text("Shapley (1953)")
    expect(contribution.locator("code")).to_contain_text("φ")
    contribution.get_by_role("button", name="participants").press("Space")
    of_nodes = [
        each for each in answer(live, "window=7d&metric=m14", "analyses")["readings"] if each["level"] == "node"
    ]
    expect(contribution.get_by_test_id("breakdown").locator("tbody tr")).to_have_count(len(of_nodes))


def test_a_participant_and_the_zoom_level_are_in_the_address_and_decide_the_figures(metrics: Page, live: Live) -> None:
    metrics.get_by_test_id("view-select").select_option("city-charge")
    [captured] = answer(live, "window=7d&metric=m2&level=node&of=city-charge")["readings"][:1]
    shown = row(metrics, "m2").get_by_test_id("all").get_by_test_id("value")
    expect(shown).to_have_attribute("data-value", captured["value"])
    expect(row(metrics, "m16")).to_have_count(0)
    metrics.get_by_test_id("zoom-role").click()
    expect(metrics).to_have_url(re.compile(r"page=metrics.*view=city-charge.*zoom=role"))
    [role] = answer(live, "window=7d&zoom=role&metric=m24&level=node&of=cpo", "analyses")["readings"]
    expect(row(metrics, "m24").get_by_test_id("value")).to_have_attribute("data-value", role["value"])
    metrics.get_by_test_id("page-overview").click()
    expect(metrics.get_by_test_id("value-map")).to_be_visible()
    metrics.go_back()
    expect(row(metrics, "m24").get_by_test_id("value")).to_have_attribute("data-value", role["value"])


def test_analyses_say_when_they_were_computed_and_that_they_are_being_computed_again(
    page: Page, sign_in: SignIn
) -> None:
    held: list[Route] = []
    page.route("**/analyses?*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    sign_in(page, "page=metrics&window=7d")
    expect(page.get_by_test_id("analyses-state")).to_contain_text("The analyses are being computed")
    expect(row(page, "m16")).to_contain_text("being computed")
    expect(row(page, "m6").get_by_test_id("value")).to_be_visible()
    for route in held:
        kept = route.fetch()
        route.fulfill(response=kept, json={**kept.json(), "is_current": False, "is_computing": True})
    state = page.get_by_test_id("analyses-state")
    expect(state).to_have_attribute("data-current", "false")
    expect(state).to_contain_text("computed at")
    expect(state.get_by_test_id("recomputing")).to_be_visible()
    expect(row(page, "m16").get_by_test_id("value")).to_be_visible()


def test_what_has_no_price_or_is_not_shared_is_on_the_page_with_why(page: Page, sign_in: SignIn, live: Live) -> None:
    unpriced = {
        "exchange": "electricity",
        "name": "Electricity",
        "source": "river-power",
        "source_name": "River Power",
        "target": "city-charge",
        "target_name": "City Charge",
        "why": "no_price",
        "amount": "12.5",
        "unit": "kWh",
        "occurrences": 2,
    }

    def add(route: Route) -> None:
        real = route.fetch()
        body = real.json()
        route.fulfill(response=real, json={**body, "unrated": [unpriced, *body["unrated"]]})

    page.route("**/metrics?*", add)
    sign_in(page, "page=metrics&window=7d")
    expect(page.get_by_test_id("without-price")).to_contain_text("One flow has no price")
    unrated = page.get_by_test_id("unrated")
    expect(unrated).to_contain_text("12.5 kWh")
    expect(unrated.get_by_test_id("unrated-no_price")).to_contain_text("No tariff has a price for it")
    not_shared = [each["amount"] for each in answer(live, "window=7d")["unrated"]]
    assert values(unrated.locator("[data-value]").all()) == ["12.5", *not_shared]
    expect(unrated.get_by_test_id("unrated-not_shared")).to_contain_text("No agreement shares it")


def test_roles_drivers_and_interfaces_have_their_names(metrics: Page, live: Live) -> None:
    design = live.system.get(f"/api/v1/ecosystems/{ECOSYSTEM}/design", live.token)["document"]
    metrics.get_by_test_id("zoom-role").click()
    for metric, parts in (("m27", design["drivers"]), ("m13", design["interfaces"]), ("m2", design["nodes"])):
        shown = row(metrics, metric)
        shown.get_by_role("button", expanded=False).last.click()
        heads = shown.get_by_test_id("breakdown").locator("tbody th")
        expect(heads.first).to_be_visible()
        names = {each["name"] for each in parts}
        for text in heads.all_text_contents():
            assert text.partition(" (")[0] in names, text


def test_the_figures_of_the_page_are_there_as_csv(metrics: Page, live: Live) -> None:
    with metrics.expect_download() as download:
        metrics.get_by_test_id("metrics-csv").click()
    assert download.value.suggested_filename == f"{ECOSYSTEM}-metrics-participant-7d.csv"
    content = download.value.path().read_text(encoding="utf-8")
    [gross] = answer(live, "window=7d&metric=m6&level=design")["readings"]
    assert f",design,,{gross['value']},{gross['unit']}," in content
