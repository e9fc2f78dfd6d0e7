"""One owner for a folder of state, and what a dead owner's server left running in it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError

#: POSIX locks do not hold between two claims of one process, so this process remembers its own
_claimed: Final[set[Path]] = set()


class FolderClaim:
    """The sole right to a folder, until `release` or the end of this process, however it ends.

    A POSIX lock (`lockf`), because forked children do not inherit it: none can keep it beyond its owner's death.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the folder (mode 0711) when there is none; raises SetupError when another owner has claimed it."""
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        if self._folder in _claimed:
            raise SetupError(f"this process already uses the folder {folder}")
        self._file = (self._folder / "owner.lock").open("a+")
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise SetupError(
                f"the folder {folder} is in use by process {owner}: stop that one first, or choose another folder"
            ) from None
        _claimed.add(self._folder)
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Lets another owner claim the folder."""
        _claimed.discard(self._folder)
        self._file.close()


def processes_in(folder: Path, executable: str) -> list[int]:
    """The processes of that executable name whose working directory is `folder`; needs /proc (`can_look`)."""
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if _link(entry / "cwd") == str(folder) and Path(_link(entry / "exe")).name.split()[:1] == [executable]
    ]


def can_look() -> bool:
    """Whether this system shows the working directories of processes (Linux does)."""
    return Path("/proc/self/cwd").exists()


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return ""
