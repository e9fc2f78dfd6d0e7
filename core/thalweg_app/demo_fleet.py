"""The devices of the demonstration: their configuration, the process that runs them, and what it says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from thalweg.wire.keys import derive
from thalweg_app.local_system import LocalSystem
from thalweg_app.process import Program
from thalweg_edge.device_folder import replace_file
from thalweg_edge.fleet import STATUS_FILE

#: the name of the fleet's process
FLEET: Final = "devices"
_FOLDER: Final = "devices"
_KEY_VERSION: Final = 1
#: short, so that readings which close no bill are soon on the page
_SEAL_SECONDS: Final = 1


def configure(
    system: LocalSystem,
    devices: Iterable[str],
    passwords: Mapping[str, str],
    activities: Mapping[str, Any],
    speed: int | str,
) -> None:
    """Write the fleet's configuration: `activities` and `speed` as `thalweg_edge.fleet_config` has them."""
    host, port = system.broker
    keys = {device: derive(system.secrets.root_key, system.ecosystem, device, _KEY_VERSION) for device in devices}
    configuration = {
        "ecosystem": system.ecosystem,
        "folder": _FOLDER,
        "mqtt": {"host": host, "port": port},
        "devices": [
            {
                "device": device,
                "key_version": _KEY_VERSION,
                "uplink_key": own.uplink.hex(),
                "downlink_key": own.downlink.hex(),
                "password": passwords[device],
            }
            for device, own in keys.items()
        ],
        "activities": dict(activities),
        "speed": speed,
        "seal_online_seconds": _SEAL_SECONDS,
    }
    replace_file(_configuration_path(system), json.dumps(configuration, indent=1))
    status_path(system).unlink(missing_ok=True)


def program(system: LocalSystem) -> Program:
    """The process of all devices."""
    return Program(
        name=FLEET,
        command=(sys.executable, "-m", "thalweg_edge.fleet", str(_configuration_path(system))),
        log=system.folder / "devices.log",
        is_ready=status_path(system).exists,
        is_finite=True,
    )


def status_path(system: LocalSystem) -> Path:
    """Where the fleet says how it is doing."""
    return system.folder / _FOLDER / STATUS_FILE


def _configuration_path(system: LocalSystem) -> Path:
    return system.folder / "fleet-config.json"
