"""The alerts: their syntax and their behaviour by Prometheus' own tool, and that every series in them exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from thalweg_api.app import create_app
from thalweg_gateway.auth_observability import AuthMetrics
from thalweg_gateway.metrics import GatewayMetrics
from thalweg_gateway.source import Lag
from thalweg_store.database import Database
from worlds.gateway import MemorySource

_SERIES = re.compile(r"\bthalweg_\w+")


class TalkativeSource(MemorySource):
    """One that knows what waits at the broker."""

    def lag(self) -> Lag:
        return Lag(0, 0)


@pytest.fixture(scope="session")
def rules(deploy: Path) -> list[dict[str, Any]]:
    loaded = yaml.safe_load((deploy / "prometheus/rules.yml").read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


@pytest.mark.slow
def test_promtool_accepts_configuration_and_rules(deploy: Path, checker: Callable[[str], str]) -> None:
    run(checker("promtool"), "check", "config", "prometheus.yml", folder=deploy / "prometheus")


@pytest.mark.slow
def test_the_alerts_fire_when_they_should_and_only_then(deploy: Path, checker: Callable[[str], str]) -> None:
    run(checker("promtool"), "test", "rules", "rules_test.yml", folder=deploy / "prometheus")


@pytest.mark.slow
def test_every_series_in_an_alert_is_one_that_a_process_exposes(
    rules: list[dict[str, Any]], database: Database
) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("insert into ecosystem (id, name, directory_version) values ('e', 'E', 1)")
        connection.exec_driver_sql("insert into gateway (instance, commits, committed_at) values ('g', 1, now())")
    gateway = GatewayMetrics("e", "g")
    gateway.watch(TalkativeSource())
    auth = AuthMetrics("e", {"callout": lambda: True})
    exposed = names(gateway.registry) | names(auth.registry) | names(create_app(database).state.metrics.registry)
    wanted = {name for rule in rules for name in _SERIES.findall(rule["expr"])}
    assert wanted - exposed == set()


def test_every_alert_says_how_bad_it_is_what_it_means_and_what_to_do(rules: list[dict[str, Any]]) -> None:
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "action"}
        assert "for" in rule, "one failed scrape is no alarm"


def test_prometheus_looks_where_compose_puts_the_processes(deploy: Path) -> None:
    configured = yaml.safe_load((deploy / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    compose = yaml.safe_load((deploy / "compose.yaml").read_text(encoding="utf-8"))
    known = set(compose["services"]) | {
        alias
        for service in compose["services"].values()
        if isinstance(service["networks"], dict)
        for network in service["networks"].values()
        for alias in network["aliases"]
    }
    hosts = {
        target.partition(":")[0]
        for job in configured["scrape_configs"]
        for one in job.get("static_configs", [])
        for target in one["targets"]
    }
    found = [one for job in configured["scrape_configs"] for one in job.get("dns_sd_configs", [])]
    hosts |= {name for one in found for name in one["names"]}
    assert [f"0.0.0.0:{one['port']}" for one in found] == [
        compose["services"][name]["environment"]["THALWEG_AUTH_HTTP"] for one in found for name in one["names"]
    ]
    assert hosts <= known


def names(registry: CollectorRegistry) -> set[str]:
    """Names of all series, also of those that have no value yet."""
    found = set()
    for family in registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + suffix for suffix in suffixes}
    return found


def run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
