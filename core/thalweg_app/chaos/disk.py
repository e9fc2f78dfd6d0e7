"""A small disk for the database, so that it can really be full: memory that Linux mounts as a file system.

The mount is seen by this process and its children only, and is gone with them, however they end.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError

# <sched.h> and <sys/mount.h>
_CLONE_NEWNS: Final = 0x00020000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18
_MS_REMOUNT: Final = 32
_MS_NOSUID_NODEV: Final = 2 | 4
_MNT_DETACH: Final = 2
_MIN_BYTES: Final = 1 << 20


class SmallDisk:
    """A mounted file system whose size can be changed while it is in use."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        """Makes `folder` such a disk; raises SetupError where that is not permitted."""
        if sys.platform != "linux" or os.geteuid() != 0:
            raise SetupError("a disk of the database's own takes root on Linux")
        self._folder = folder
        self._size_bytes = size_bytes
        self._libc = ctypes.CDLL(None, use_errno=True)
        folder.mkdir(mode=0o711)
        self._call("unshare", _CLONE_NEWNS)
        self._call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
        self._mount(0, f"size={size_bytes},mode=711")

    def fill(self) -> None:
        """Leave no space; what is freed afterwards is taken away by calling it again."""
        space = os.statvfs(self._folder)
        used_bytes = (space.f_blocks - space.f_bfree) * space.f_frsize
        self._mount(_MS_REMOUNT, f"size={max(used_bytes, _MIN_BYTES)}")

    def free(self) -> None:
        """Give the space back."""
        self._mount(_MS_REMOUNT, f"size={self._size_bytes}")

    def close(self) -> None:
        """Unmount, as soon as nobody uses it any more."""
        self._libc.umount2(os.fsencode(self._folder), _MNT_DETACH)

    def _mount(self, flags: int, options: str) -> None:
        folder = os.fsencode(self._folder)
        self._call("mount", b"tmpfs", folder, b"tmpfs", _MS_NOSUID_NODEV | flags, options.encode())

    def _call(self, name: str, *arguments: object) -> None:
        if getattr(self._libc, name)(*arguments) != 0:
            raise SetupError(f"a disk of the database's own is not permitted: {os.strerror(ctypes.get_errno())}")
