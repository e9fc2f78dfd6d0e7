"""The resident memory of one process."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

#: whatever the load, and while the database is away
MAX_GATEWAY_RSS_BYTES: Final = 300_000_000


def peak_rss_bytes(process_id: int) -> int:
    """The most that a process has had so far; what it has now where the system does not tell; raises OSError."""
    status = Path(f"/proc/{process_id}/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(shown.stdout) * 1024
