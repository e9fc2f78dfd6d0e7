"""How the process looks for garbage: seldom, and never among what it loaded at its start.

By default the collector goes through hundreds of thousands of loaded objects after every few dozen answers, which takes
longer than an answer.
"""

from __future__ import annotations

import gc
from typing import Final

#: an answer makes some ten thousand objects; the frozen ones are not looked at again
_THRESHOLDS: Final = (50_000, 20, 20)


def collect_seldom() -> None:
    """Take all that is loaded for lasting; to be called once, when the application is made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
