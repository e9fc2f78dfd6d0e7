"""Caddy with the deployment's own Caddyfile before a real API, on ports of its own."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn

from thalweg_app.local_system import free_port
from worlds.api import ApiWorld, make_api_world
from worlds.brokers import wait_for
from worlds.gateway import ECOSYSTEM, make_world

pytestmark = pytest.mark.slow


@pytest.fixture
def world(database: object) -> ApiWorld:
    return make_api_world(make_world(database))  # type: ignore[arg-type]


@pytest.fixture
def api_port(world: ApiWorld) -> Iterator[int]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(world.client.app, port=port, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_for(lambda: server.started, "the API serves")
    yield port
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def visitor(deploy: Path, checker: Callable[[str], str], api_port: int, tmp_path: Path) -> Iterator[httpx2.Client]:
    """A client that trusts Caddy's own authority."""
    https, http = free_port(), free_port()
    text = (deploy / "Caddyfile").read_text(encoding="utf-8")
    text = text.replace("\tadmin off\n", f"\tadmin off\n\thttps_port {https}\n\thttp_port {http}\n")
    (tmp_path / "Caddyfile").write_text(text, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "THALWEG_DOMAIN": "localhost",
        "THALWEG_TLS": "internal",
        "THALWEG_API": f"127.0.0.1:{api_port}",
    }
    with (tmp_path / "log").open("wb") as log:
        caddy = subprocess.Popen(
            [checker("caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    root = tmp_path / "caddy/pki/authorities/local/root.crt"
    try:
        wait_for(lambda: root.exists() or caddy.poll() is not None, "Caddy has made its authority")
        assert caddy.poll() is None, (tmp_path / "log").read_text()
        trusting = ssl.create_default_context(cafile=str(root))
        with httpx2.Client(base_url=f"https://localhost:{https}", verify=trusting, timeout=30) as client:
            wait_for(lambda: serves(client), "Caddy serves")
            yield client
    finally:
        caddy.terminate()
        try:
            caddy.wait(20)
        finally:
            caddy.kill()


def serves(client: httpx2.Client) -> bool:
    try:
        return client.get("/api/v1/design-schema").status_code == 200
    except httpx2.TransportError:
        return False


def test_browsers_get_tls_sign_in_and_the_live_stream_and_not_the_metrics(
    visitor: httpx2.Client, world: ApiWorld
) -> None:
    for path in ("/metrics", "/healthz", "/readyz"):
        assert visitor.get(path).status_code == 404
    answer = visitor.get("/signin", params={"token": world.token}, follow_redirects=False)
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower(), "the API believes the proxy that the browser came by TLS"
    assert "max-age" in answer.headers["strict-transport-security"]
    with visitor.stream("GET", f"/api/v1/ecosystems/{ECOSYSTEM}/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "event: overview" in next(stream.iter_text())
