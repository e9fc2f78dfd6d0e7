"""The board that this runs on. Everything that differs between boards is behind these names:

* `BOARD`: what the birth calls the hardware.
* `STORAGE_ROOT`: folder that holds `device.json` and the outbox, unless the application names another.
* `async network_up(wifi)`: bring the network up and return; `wifi` is None or (name, password). Raises OSError.
* `async true_unix_ms()`: Unix time in ms from a trustworthy source (NTP on boards). Raises OSError.

The choice is made here and nowhere else.
"""

import os
import sys

if sys.platform == "esp32":
    from tw.plat.esp32 import BOARD, STORAGE_ROOT, network_up, true_unix_ms
elif sys.platform == "rp2":
    from tw.plat.rp2 import BOARD, STORAGE_ROOT, network_up, true_unix_ms
else:
    from tw.plat.unix import BOARD, STORAGE_ROOT, network_up, true_unix_ms

__all__ = ("BOARD", "STORAGE_ROOT", "network_up", "random_u32", "true_unix_ms")


def random_u32() -> int:
    """A number below 2³² from the board's hardware random generator."""
    return int.from_bytes(os.urandom(4), "big")
