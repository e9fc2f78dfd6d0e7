"""Which source the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.mqtt_source import MqttSource
from thalweg_gateway.nats_link import NatsAddress
from thalweg_gateway.nats_source import NatsSource
from thalweg_gateway.nats_stream import StreamOptions
from thalweg_gateway.settings import GatewaySettings

_MQTT_PORT = 1883
_MQTTS_PORT = 8883


def open_source(settings: GatewaySettings, others: Sequence[str] = ()) -> MqttSource | NatsSource:
    """The source, which begins to connect; raises SetupError for a URL that is none.

    `others` are topic filters of devices that are not ours.
    """
    if settings.nats_url is not None:
        address = NatsAddress.parse(settings.nats_url.get_secret_value())
        options = StreamOptions(
            replicas=settings.nats_replicas,
            max_bytes=settings.nats_stream_bytes,
            ack_wait_seconds=settings.nats_ack_wait_seconds,
        )
        doors = _doors(settings, address)
        return NatsSource(address, doors, settings.ecosystem, settings.gateway_instance, options, others)
    assert settings.mqtt_url is not None
    address_of_broker = MqttAddress.parse(settings.mqtt_url.get_secret_value())
    return MqttSource(address_of_broker, settings.ecosystem, settings.gateway_instance, settings.mqtt_share, others)


def _doors(settings: GatewaySettings, address: NatsAddress) -> list[MqttAddress]:
    """The MQTT sides of a cluster: as the MQTT URL says, else at the usual port of every server."""
    if settings.mqtt_url is not None:
        return [MqttAddress.parse(url) for url in settings.mqtt_url.get_secret_value().split(",")]
    port = _MQTTS_PORT if address.is_tls else _MQTT_PORT
    return [MqttAddress(host, port, address.is_tls, address.user, address.password) for host, _ in address.hosts]
