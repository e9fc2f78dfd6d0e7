"""What the image is built from."""

from __future__ import annotations

import re
from pathlib import Path

_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(path: Path) -> set[tuple[str, str]]:
    return set(_PIN.findall(path.read_text(encoding="utf-8")))


def test_the_image_holds_the_versions_that_are_tested(repository: Path) -> None:
    tested, shipped = (pins(repository / "requirements" / name) for name in ("run.txt", "server.txt"))
    assert shipped
    known = {name for name, _ in tested}
    assert {pin for pin in shipped if pin[0] in known} <= tested


def test_every_package_in_the_image_is_locked_by_hash(repository: Path) -> None:
    text = (repository / "requirements/server.txt").read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[a-z])", text) if _PIN.match(block)]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_no_secret_and_no_history_goes_into_the_image(deploy: Path) -> None:
    rules = (deploy / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in rules, "what is not named stays out"
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    assert [name for name in let_in if "secret" in name and name != "deploy/make-secrets"] == []
    assert not {".git/", ".env", "var/"} & set(let_in)


def test_the_image_installs_locked_packages_only_and_runs_without_rights(deploy: Path) -> None:
    text = (deploy / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"pip install (.*)", text)
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps /wheel/" not in line] == []
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
