"""ESP32: Wi-Fi, NTP, and a clock that counts from 2000."""

import time

import ntptime
from micropython import const

from tw.plat.wifi import join

BOARD = "esp32"
#: the root of the file system: paths are written as STORAGE_ROOT + "/" + name
STORAGE_ROOT = ""
#: from 1970-01-01 to 2000-01-01
_EPOCH_SECONDS = const(946_684_800)


async def network_up(wifi: tuple[str, str] | None) -> None:
    """Join the Wi-Fi. Raises OSError."""
    await join(wifi)


async def true_unix_ms() -> int:
    """Unix time in ms by NTP; blocks for about a second. Raises OSError."""
    ntptime.settime()
    return time.time_ns() // 1_000_000 + _EPOCH_SECONDS * 1000
