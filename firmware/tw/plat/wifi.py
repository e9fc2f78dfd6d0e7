"""Wi-Fi as station, the same on every board that has MicroPython's `network` module."""

import asyncio

import network
from micropython import const

_POLL_MS = const(250)
_JOIN_TIMEOUT_MS = const(30_000)


async def join(wifi: tuple[str, str] | None) -> None:
    """Join the network `wifi` (name, password) unless it is joined already. Raises OSError after 30 seconds."""
    if wifi is None:
        raise OSError('device.json names no Wi-Fi: add "wifi": {"name": …, "password": …}')
    station = network.WLAN(network.STA_IF)
    if station.isconnected():
        return
    station.active(True)
    station.connect(*wifi)
    for _ in range(_JOIN_TIMEOUT_MS // _POLL_MS):
        if station.isconnected():
            return
        await asyncio.sleep_ms(_POLL_MS)
    station.disconnect()
    raise OSError(f"the Wi-Fi {wifi[0]} cannot be joined: check name, password and distance")
