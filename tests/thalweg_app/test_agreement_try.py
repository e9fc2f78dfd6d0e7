"""`thalweg agreement try` shows every party's share step by step, and says what to do about what cannot be tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thalweg.examples import text
from thalweg_app.commands import app

HUB = """
agreement: ev-hub-2026
on: charging-fee
steps:
  - {id: meter,    take: {per_unit: {meter: kwh, amount: "0.0005"}}, to: metering, cap: {amount: "500", per: period}}
  - {id: platform, take: {percent_of_gross: 15}, to: platform}
  - {id: capex,    take: {recoup: {account: capex-2026, total: "12000", percent_of_remainder: 50}}, to: investor}
  - {id: data,     take: {tiered: {on: gross, per: lifetime, tiers: [["1000000", 10], [null, 20]]}}, to: owner}
  - {id: rest,     take: remainder, to: {split: {operator: 7, city: 3}}}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    path = tmp_path / "hub.yaml"
    path.write_text(HUB, encoding="utf-8")
    return path


def tried(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["agreement", "try", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def test_json_holds_every_step_and_share_exactly_and_the_settlement(hub):
    answer = json.loads(tried(hub, "--gross", "19.99", "--units", "kwh=12", "--json"))
    assert answer["shares"] == {
        "city": "1.948125",
        "investor": "8.49275",
        "metering": "0.006",
        "operator": "4.545625",
        "owner": "1.999",
        "platform": "2.9985",
    }
    assert answer["settled"] == {
        "city": "1.95",
        "investor": "8.49",
        "metering": "0.01",
        "operator": "4.54",
        "owner": "2.00",
        "platform": "3.00",
    }
    assert [(step["step"], step["amount"], step["left"]) for step in answer["steps"]] == [
        ("meter", "0.006", "19.984"),
        ("platform", "2.9985", "16.9855"),
        ("capex", "8.49275", "8.49275"),
        ("data", "1.999", "6.49375"),
        ("rest", "6.49375", "0.00"),
    ]
    assert answer["outstanding"] == {"capex-2026": "11991.50725"}


def test_the_past_counts_for_lifetime_tiers_and_accounts(hub):
    past = ["--lifetime", "1000000", "--recouped", "capex-2026=11999.00", "--json"]
    answer = json.loads(tried(hub, "--gross", "100", *past))
    amounts = {step["step"]: step["amount"] for step in answer["steps"]}
    assert amounts == {"meter": "0.00", "platform": "15.00", "capex": "1.00", "data": "20.00", "rest": "64.00"}
    assert answer["outstanding"] == {"capex-2026": "0.00"}


def test_people_see_a_table_and_the_terms_in_words(hub):
    shown = tried(hub, "--gross", "19.99", "--units", "kwh=12")
    for words in ("19.99 EUR", "8.49275", "operator", "4.54", "never more than 500 EUR in a month", "Still to be"):
        assert words in shown


def test_an_agreement_of_a_design_is_tried_on_its_net_base(tmp_path):
    path = tmp_path / "design.yaml"
    path.write_text(text("ev-charging"), encoding="utf-8")
    answer = json.loads(tried(path, "--gross", "3.50", "--less", "energy-cost=2.00", "--json"))
    assert (answer["base"], answer["shares"]) == ("1.50", {"cpo": "1.35", "host": "0.15"})


def test_pools_are_followed_to_the_parties(tmp_path):
    path = tmp_path / "pools.yaml"
    path.write_text(
        """
        agreements:
          - {id: one, steps: [{id: all, take: remainder, to: {pool: two}}]}
          - {id: two, steps: [{id: all, take: remainder, to: {split: {a: 1, b: 1}}}]}
        """,
        encoding="utf-8",
    )
    answer = json.loads(tried(path, "--gross", "-0.01", "--json"))
    assert answer["shares"] == {"a": "-0.005", "b": "-0.005"}
    assert [step["agreement"] for step in answer["steps"]] == ["one", "two"]
    assert "pool of two" in tried(path, "--gross", "5")


def test_what_others_put_into_the_same_pool_is_shared_together_or_asked_for(tmp_path):
    path = tmp_path / "pools.yaml"
    path.write_text(
        """
        agreements:
          - {id: one, on: fee, steps: [{id: all, take: remainder, to: {pool: site}}]}
          - {id: two, on: data, steps: [{id: all, take: remainder, to: {pool: site}}]}
          - id: site
            steps:
              - {id: rent, take: {flat: {amount: "7"}}, to: a}
              - {id: all, take: remainder, to: b}
        """,
        encoding="utf-8",
    )
    asked = tried(path, "--id", "one", "--gross", "5")
    assert "two feeds the same pools: `--also two=…` tries both together" in asked
    answer = json.loads(tried(path, "--id", "one", "--gross", "5", "--also", "two=10", "--json"))
    assert (answer["besides"], answer["shares"]) == ({"two": "10.00"}, {"a": "7.00", "b": "8.00"})
    assert "two, besides: 10.00 EUR" in tried(path, "--id", "one", "--gross", "5", "--also", "two=10")
    refused = tried(path, "--id", "one", "--gross", "5", "--also", "site=10", status=2)
    assert "'site' feeds no pool of 'one': use one of two" in " ".join(refused.split())


def test_steps_with_conditions_apply_on_their_day_and_to_their_attributes(tmp_path):
    path = tmp_path / "when.yaml"
    path.write_text(
        """
        agreement: summer
        steps:
          - {id: fee, take: {percent_of_gross: 10}, to: a, when: {attribute: site, in: [beach], from: 2026-07-01}}
          - {id: rest, take: remainder, to: b}
        """,
        encoding="utf-8",
    )
    for options, fee in (
        (["--attribute", "site=beach", "--date", "2026-07-01"], "1.00"),
        (["--attribute", "site=beach", "--date", "2026-06-30"], "0.00"),
        (["--attribute", "site=hill", "--date", "2026-07-01"], "0.00"),
        ([], "0.00"),
    ):
        assert json.loads(tried(path, "--gross", "10", "--json", *options))["shares"]["a"] == fee


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--gross", "1e3"], "no plain decimal number such as 12.50"),
        (["--gross", "0.000000001"], "finer than an atom"),
        (["--gross", "1", "--units", "kWh=1"], "use one of kwh"),
        (["--gross", "1", "--units", "kwh=0.0001"], "finer than what is counted"),
        (["--gross", "1", "--units", "kwh"], "name=value"),
        (["--gross", "1", "--less", "tax=1"], "leave the option out"),
        (["--gross", "1", "--recouped", "opex=1"], "use one of capex-2026"),
        (["--gross", "1", "--id", "other"], "choose one of ev-hub-2026 with --id"),
        (["--gross", "1", "--date", "soon"], "does not match the format"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_words_on_what_to_do(hub, options, words):
    assert words in " ".join(tried(hub, *options, status=2).replace("│", "").split())


def test_a_document_that_is_not_sound_is_refused_with_every_place_and_remedy(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("agreement: x\nsteps:\n  - {id: a, take: {flat: {amount: '-1'}}, to: b}\n", encoding="utf-8")
    shown = tried(path, "--gross", "1", status=2)
    assert "steps[0].take: the last step must take the remainder → add a step with `take: remainder`" in shown
    assert "steps[0].take.flat.amount: it is negative → write 0 or more" in shown
    missing = tried(tmp_path / "none.yaml", "--gross", "1", status=2)
    assert "No such file" in " ".join(missing.replace("│", "").split())


VERSIONS = """
agreements:
  - id: hub-2026
    on: charging-fee
    valid_until: 2027-01-01
    steps: [{id: platform, take: {percent_of_gross: 15}, to: platform}, {id: rest, take: remainder, to: operator}]
  - id: hub-2027
    on: charging-fee
    valid_from: 2027-01-01
    steps: [{id: platform, take: {percent_of_gross: 10}, to: platform}, {id: rest, take: remainder, to: operator}]
"""


@pytest.mark.parametrize(
    ("options", "version", "fee"),
    [
        ([], "hub-2027", "10.00"),
        (["--date", "2026-12-31"], "hub-2026", "15.00"),
        (["--date", "2027-01-01"], "hub-2027", "10.00"),
        (["--id", "hub-2026"], "hub-2026", "15.00"),
    ],
)
def test_of_versions_the_one_in_force_on_the_day_is_tried_and_named(tmp_path, options, version, fee):
    path = tmp_path / "versions.yaml"
    path.write_text(VERSIONS, encoding="utf-8")
    answer = json.loads(tried(path, "--gross", "100", "--json", *options))
    assert (answer["agreement"], answer["shares"]["platform"]) == (version, fee)
    shown = tried(path, "--gross", "100", *options)
    in_force = {"hub-2026": "in force until 2027-01-01", "hub-2027": "in force from 2027-01-01"}
    assert f"{version}, {in_force.pop(version)}: 100.00 EUR" in shown
    assert [f"another version, {name}, is {when}" in shown for name, when in in_force.items()] == [True]


def test_a_day_on_which_no_version_is_in_force_is_refused_with_those_that_there_are(tmp_path):
    path = tmp_path / "versions.yaml"
    path.write_text(VERSIONS.replace("valid_from: 2027-01-01", "valid_from: 2027-02-01"), encoding="utf-8")
    shown = " ".join(tried(path, "--gross", "100", "--date", "2027-01-15", status=2).split())
    assert "no agreement is in force on 2027-01-15" in shown
    assert "hub-2026 (until 2027-01-01), hub-2027 (from 2027-02-01)" in shown
