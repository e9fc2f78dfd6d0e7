"""The Unix port: the operating system has the network and keeps the clock (1970)."""

import time

BOARD = "unix"
STORAGE_ROOT = "."


async def network_up(wifi: tuple[str, str] | None) -> None:
    """The operating system has seen to it; `wifi` is not used."""


async def true_unix_ms() -> int:
    """Unix time in ms by the operating system."""
    return time.time_ns() // 1_000_000
