"""The gateway process: `python -m thalweg_gateway.main`."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from typing import Final

from thalweg.errors import ThalwegError
from thalweg_gateway.foreign_intake import ForeignIntake, load_profiles
from thalweg_gateway.health import Health
from thalweg_gateway.metrics import GatewayMetrics
from thalweg_gateway.observability import Several
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.settings import GatewaySettings, parse_root_key
from thalweg_gateway.sources import open_source
from thalweg_gateway.status_server import StatusServer
from thalweg_store import logs
from thalweg_store.database import Database
from thalweg_store.reading import watermark

#: a transaction makes some ten objects for each message, none of them in a cycle: looking for cycles at Python's own
#: thresholds takes a fifth of the time of small messages
_GARBAGE_THRESHOLDS: Final = (100_000, 50, 100)
#: how long the thread that reads from the broker may keep the one that waits for the database from going on
_SWITCH_SECONDS: Final = 0.0005


def main() -> int:
    """Run one gateway until SIGTERM or SIGINT; 2 when its settings are wrong."""
    try:
        settings = GatewaySettings.from_environment()
        logs.configure(settings.log, settings.gateway_instance)
        database = Database(settings.database_url.get_secret_value(), pool_size=1)
        foreign = ForeignIntake(database, settings.ecosystem, load_profiles(settings.profiles))
        source = open_source(settings, foreign.filters)
        metrics = GatewayMetrics(settings.ecosystem, settings.gateway_instance)
        metrics.watch(source)
        probe = Database(settings.database_url.get_secret_value(), pool_size=1)
        health = Health(lambda: source.is_ready, lambda: watermark(probe))
        pipeline = Pipeline(
            source,
            database,
            settings.ecosystem,
            parse_root_key(settings.root_key.get_secret_value()),
            settings.gateway_instance,
            Several(metrics, health),
            foreign=foreign if foreign.filters else None,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: pipeline.stop())
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        with _status_server(settings.gateway_http, metrics, health):
            pipeline.run()
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _status_server(
    address: str | None, metrics: GatewayMetrics, health: Health
) -> contextlib.AbstractContextManager[object]:
    """The server that tells metrics and health, when the settings want one."""
    return StatusServer(address, metrics.registry, health) if address else contextlib.nullcontext()


if __name__ == "__main__":
    sys.exit(main())
