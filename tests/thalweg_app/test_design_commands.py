"""`thalweg design` on files and shipped examples: what is wrong, what it says, what changed, how far apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thalweg.design import content_hash, load
from thalweg.examples import names, text
from thalweg_app.commands import app

DESIGN = text("ev-charging")


@pytest.fixture
def written(tmp_path: Path):
    def write(old: str, new: str, name: str = "other.yaml") -> Path:
        assert old in DESIGN
        path = tmp_path / name
        path.write_text(DESIGN.replace(old, new), encoding="utf-8")
        return path

    return write


def done(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["design", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.parametrize("name", names())
def test_shipped_designs_are_sound_and_say_how_complete_they_are(name):
    answer = json.loads(done("validate", name, "--json"))
    assert (answer["valid"], answer["problems"]) == (True, [])
    assert answer["hash"] == content_hash(load(text(name)))
    assert list(answer["completeness"]) == ["nodes", "drivers", "exchanges", "extracts"]
    assert "sound" in done("validate", name)


def test_every_problem_is_told_with_place_and_remedy_and_the_status_is_one(written):
    path = written("on: charging-fee, unit_price", "on: charging-fees, unit_price")
    path.write_text(path.read_text().replace("zone: Europe/Helsinki", "zone: Europe/Helsinky"), encoding="utf-8")
    answer = json.loads(done("validate", path, "--json", status=1))
    assert answer["valid"] is False
    by_path = {problem["path"]: problem["remedy"] for problem in answer["problems"]}
    assert by_path["tariffs[0].on"].startswith("did you mean 'charging-fee'?")
    assert "Europe/Helsinki" in by_path["zone"]
    shown = done("validate", path, status=1)
    assert "tariffs[0].on" in shown
    assert "did you mean 'charging-fee'?" in shown


def test_a_text_that_is_no_document_is_a_problem_too(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("nodes: [", encoding="utf-8")
    assert "line 1" in json.loads(done("validate", path, "--json", status=1))["problems"][0]["message"]


def test_a_step_that_never_gets_anything_is_a_warning_in_a_sound_design(written):
    answer = json.loads(done("validate", written("percent_of_gross: 10}", "percent_of_gross: 100}"), "--json"))
    assert [warning["path"] for warning in answer["warnings"]] == ["agreements[0].steps[1]"]
    assert answer["warnings"][0]["remedy"]


@pytest.mark.parametrize("name", names())
def test_every_shipped_design_is_shown_in_words(name):
    shown = done("show", name)
    for heading in ("Nodes", "Drivers", "Exchanges", "Chains", "Extracts"):
        assert heading in shown


def test_a_design_is_shown_with_tariffs_agreements_chains_closure_and_core():
    answer = json.loads(done("show", "ev-charging", "--json"))
    exchanges = {exchange["id"]: exchange for exchange in answer["exchanges"]}
    assert exchanges["charging-fee"]["tariffs"] == [{"id": "driver-price", "words": ["0.50 EUR per kWh"]}]
    assert "host: 10 percent of gross to host, as far as money is left." in answer["agreements"][0]["words"]
    assert [chain["id"] for chain in answer["chains"]] == ["roaming-session", "kerb-data", "session-data"]
    (roaming, open_data) = answer["extracts"]
    assert roaming["core"] == sorted(roaming["closure"]["nodes"]) == sorted(roaming["nodes"])
    assert open_data["core"] is None


def test_an_extract_depends_on_the_rest_of_its_chain(written):
    path = written("nodes: [driver, emsp, hub, cpo, energy, host]\n    exchanges:\n      - charging-fee", "nodes: [driver, emsp]\n    exchanges:\n      - charging-fee")  # fmt: skip  # noqa: E501
    text_now = path.read_text()
    begin, end = text_now.index("      - charging-service"), text_now.index("  - id: open-data")
    path.write_text(text_now[:begin] + text_now[end:], encoding="utf-8")
    extract = json.loads(done("show", path, "--json"))["extracts"][0]
    assert set(extract["closure"]["nodes"]) == {"driver", "emsp", "hub", "cpo", "energy", "host"}
    assert "depends besides on: charge-point-use" in done("show", path)


def test_every_kind_of_tariff_is_said_in_words(written):
    price = """unit_price: {time_of_use: [{price: "0.60", from: "07:00", until: "22:00"}, {price: "0.40"}]},
      tiers: {mode: graduated, tiers: [{up_to: 5, unit_price: "0.02"}, {unit_price: "0.01"}]},
      package: {size: 1, price: "0.03"}, period_fee: {amount: 5}, valid_from: 2026-01-01,
      limits: [{per: payer, maximum: 90}], components: [{id: start, flat: "0.25", when: quantity > 100}]"""
    path = written('on: charging-fee, unit_price: "0.50"', f"on: charging-fee, {price}")
    (tariff,) = json.loads(done("show", path, "--json"))["exchanges"][0]["tariffs"]
    assert tariff["words"] == [
        "by the time of the week, in EUR per kWh: 0.60 07:00-22:00, 0.40 00:00-24:00",
        "in tiers, in EUR per kWh: 0.02 up to 5, then 0.01; per payer's month, each price for its own part",
        "0.03 EUR for each 1 kWh begun, per payer's month",
        "a fee of 5 EUR per month of one assignment in which something occurred",
        "at most 90 EUR per payer's month",
        "start: 0.25 EUR per occurrence, where quantity > 100",
        "in force from 2026-01-01 on",
    ]


def test_a_difference_is_told_by_pillar_from_what_to_what(written):
    path = written("name: Site host", "name: Landlord")
    answer = json.loads(done("diff", "ev-charging", path, "--json"))
    assert answer["nodes"] == [
        {
            "section": "nodes",
            "id": "host",
            "change": "changed",
            "fields": [{"path": "name", "from": "Site host", "to": "Landlord"}],
        }
    ]
    assert not any(answer[pillar] for pillar in ("design", "drivers", "exchanges", "extracts"))
    assert "Site host → Landlord" in done("diff", "ev-charging", path)
    assert "Nothing changed" in done("diff", "ev-charging", "ev-charging")


def test_the_distance_is_told_with_its_three_parts(written):
    path = written("percent_of_gross: 10}", "percent_of_gross: 20}")
    assert set(json.loads(done("distance", "ev-charging", "ev-charging", "--json")).values()) == {"0"}
    parts = json.loads(done("distance", "ev-charging", path, "--json"))
    assert (parts["exchanges"], parts["elements"]) == ("0", "0")
    assert 0 < float(parts["terms"]) < 1
    assert float(parts["distance"]) == pytest.approx(float(parts["terms"]) / 5)
    assert "one fifth" in done("distance", "ev-charging", path)


@pytest.mark.parametrize("command", [["show", "nowhere"], ["diff", "ev-charging", "nowhere"], ["validate", "nowhere"]])
def test_a_name_that_means_nothing_is_refused_with_the_names_that_there_are(command):
    assert "ev-charging" in done(*command, status=2)


def test_a_design_that_is_not_sound_is_neither_shown_nor_activated(written):
    path = written("zone: Europe/Helsinki", "zone: Nowhere")
    for command in ("show", "activate"):
        assert "unknown time zone" in done(command, path, status=2)
