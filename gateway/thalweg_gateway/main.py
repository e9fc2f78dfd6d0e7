"""The gateway process: `python -m thalweg_gateway.main`."""

from __future__ import annotations

import logging
import signal
import sys

from thalweg.errors import ThalwegError
from thalweg_gateway.mqtt_source import MqttAddress, MqttSource
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.settings import GatewaySettings, parse_root_key
from thalweg_store.database import Database


def main() -> int:
    """Run one gateway until SIGTERM or SIGINT; 2 when its settings are wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = GatewaySettings.from_environment()
        source = MqttSource(
            MqttAddress.parse(settings.mqtt_url.get_secret_value()), settings.ecosystem, settings.gateway_instance
        )
        pipeline = Pipeline(
            source,
            Database(settings.database_url.get_secret_value(), pool_size=1),
            settings.ecosystem,
            parse_root_key(settings.root_key.get_secret_value()),
            settings.gateway_instance,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: pipeline.stop())
        pipeline.run()
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
