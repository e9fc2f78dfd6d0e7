"""Raspberry Pi Pico W: Wi-Fi, NTP, and a clock that counts from 1970."""

import time

import ntptime

from tw.plat.wifi import join

BOARD = "pico-w"
#: the root of the file system: paths are written as STORAGE_ROOT + "/" + name
STORAGE_ROOT = ""


async def network_up(wifi: tuple[str, str] | None) -> None:
    """Join the Wi-Fi. Raises OSError."""
    await join(wifi)


async def true_unix_ms() -> int:
    """Unix time in ms by NTP; blocks for about a second. Raises OSError."""
    ntptime.settime()
    return time.time_ns() // 1_000_000
