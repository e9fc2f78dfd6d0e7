"""A small HTTP server beside a process's work: /metrics, /healthz, /readyz. It answers one request at a time."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from thalweg.errors import SetupError
from thalweg_gateway.health import Verdict

_LOG = logging.getLogger(__name__)
VARIABLE: Final = "THALWEG_GATEWAY_HTTP"
_CLIENT_SECONDS: Final = 2.0
_LOOPBACK: Final = "127.0.0.1"


class _Answer(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


class Judges(Protocol):
    """Who says how a process is; asked on another thread than its own."""

    def alive(self) -> Verdict:
        """Whether it should go on as it is."""

    def ready(self) -> Verdict:
        """Whether it can do its work."""


class StatusServer:
    """Serves on a thread of its own from `__enter__` to `__exit__`; `address` is `port` (loopback) or `host:port`.

    `variable` is the setting that the address comes from.
    """

    def __init__(self, address: str, registry: CollectorRegistry, health: Judges, variable: str = VARIABLE) -> None:
        host, port = parse_address(address, variable)
        routes: dict[str, Callable[[], _Answer]] = {
            "/metrics": lambda: _Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)),
            "/healthz": lambda: _judged("alive", health.alive()),
            "/readyz": lambda: _judged("ready", health.ready()),
        }
        try:
            self._server = _server_class(host)((host, port), _handler(routes))
        except OSError as error:
            raise SetupError(f"cannot listen on {address}: {error.strerror}; see {variable}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="status server", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, also when port 0 let the system choose."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def parse_address(address: str, variable: str = VARIABLE) -> tuple[str, int]:
    """Host and port of `port`, `host:port` or `[IPv6]:port`; raises SetupError."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise SetupError(f"{variable} must be a port or host:port, such as 127.0.0.1:9101; it is {address!r}")
    return host.strip("[]") or _LOOPBACK, int(port)


def _judged(question: str, verdict: Verdict) -> _Answer:
    status = HTTPStatus.OK if verdict.is_good else HTTPStatus.SERVICE_UNAVAILABLE
    body = {question: verdict.is_good, "checks": dict(verdict.checks)}
    return _Answer(status, "application/json", json.dumps(body).encode() + b"\n")


def _server_class(host: str) -> type[HTTPServer]:
    class Server(HTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's
            """A client that went away while it was answered harms nobody but itself."""
            _LOG.debug("no answer to %s", client_address, exc_info=True)

    return Server


def _handler(routes: Mapping[str, Callable[[], _Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_SECONDS
        server_version = "thalweg"
        sys_version = ""

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            answer = route() if route else _Answer(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - named by the standard library
            """Probes come every few seconds: nothing worth a line."""

    return Handler
