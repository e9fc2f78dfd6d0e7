"""What a systemd unit says, so that tests can start its program without systemd: by its command and environment."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BINARIES = "/opt/thalweg/bin/"


@dataclass
class Unit:
    """The directives that say what is started, and how."""

    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    environment_files: list[str] = field(default_factory=list)
    #: id → file or folder on the machine
    credentials: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, instance: str = "") -> Unit:
        """A unit file; %i stands for `instance`."""
        unit = cls()
        for line in path.read_text(encoding="utf-8").splitlines():
            directive, _, value = line.replace("%i", instance).partition("=")
            if directive == "ExecStart":
                unit.command = shlex.split(value)
            elif directive == "Environment":
                unit.environment |= dict([value.split("=", 1)])
            elif directive == "EnvironmentFile":
                unit.environment_files.append(value)
            elif directive == "LoadCredential":
                name, _, source = value.partition(":")
                unit.credentials[name] = source
        return unit

    def command_here(self) -> list[str]:
        """The command with the programs of this environment in place of those in /opt/thalweg."""
        program = self.command[0].removeprefix(_BINARIES)
        assert program != self.command[0], f"{program} is not one of ours"
        return [
            sys.executable if program == "python" else str(Path(sys.executable).with_name(program)),
            *self.command[1:],
        ]

    def environment_here(self, etc: Path, credentials: Path) -> dict[str, str]:
        """What systemd would hand over, with `etc` for /etc/thalweg; the credentials are copied to a new folder."""
        credentials.mkdir(mode=0o700)
        for name, source in self.credentials.items():
            folder = etc / Path(source).relative_to("/etc/thalweg")
            for file in folder.iterdir() if folder.is_dir() else [folder]:
                shutil.copy(file, credentials / (f"{name}_{file.name}" if folder.is_dir() else name))
        variables = dict(self.environment)
        for path in self.environment_files:
            variables |= _assignments(etc / Path(path).relative_to("/etc/thalweg"))
        return {**variables, "CREDENTIALS_DIRECTORY": str(credentials), "PATH": "/usr/bin:/bin"}


def _assignments(path: Path) -> Mapping[str, str]:
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)
