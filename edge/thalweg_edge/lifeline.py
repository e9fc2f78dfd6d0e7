"""Child processes that end with the process that started them, even when that one is killed with SIGKILL.

Linux sends a child the signal that it asked for with prctl(PR_SET_PDEATHSIG) when the *thread* that forked it ends;
so children are started from the main thread only. Other systems have no such call: there, what a killed owner left
behind is stopped by the next owner.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tied_to_parent(death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn` for `subprocess` that has the kernel send `death_signal` to the child when its parent dies.

    None where the system has no such call. Raises RuntimeError outside the main thread, whose end is the process's.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children that end with their parent are started from the main thread only")
    libc = _LIBC
    if libc is None:
        return None
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before the call above
            os.kill(os.getpid(), signal.SIGKILL)

    return tie
