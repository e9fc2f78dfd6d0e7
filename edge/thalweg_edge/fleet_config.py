"""The configuration of a simulated fleet, a JSON file that holds keys and passwords: readable by its owner only.

::

    {
      "ecosystem": "ev-city",
      "folder": "fleet",                       one folder below it for each device; holds fleet.json too
      "mqtt": {"host": "127.0.0.1", "port": 1883},
      "devices": [{"device": "cp-01", "key_version": 1, "uplink_key": "64 hex digits", "downlink_key": "64 hex digits",
                   "password": "…"}],
      "activities": {"generator": "charging", "seed": 1, "history_days": 30}         generated ones, or
                    {"file": "sessions.csv", "columns": {"station": "…"}},           recorded charging sessions
      "speed": "max",                          or how many times faster than real time, for example 60
      "seal_online_seconds": 5,                optional, like the three below
      "outbox_max_files": 128, "micropython": "…", "firmware": "…"
    }

Generated activities begin `history_days` ago; the history is handed over as fast as the devices take it. With "max"
that is all, otherwise they go on for ever. Generators are those of `thalweg_edge.generators`. Optional: `live`, the
number of activities that each device gets after the history before it is done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg.wire.topics import ID_PATTERN, is_id
from thalweg_edge.columns import ColumnMapping
from thalweg_edge.generators import GENERATORS
from thalweg_edge.generators.days import DayGenerator

_KEY_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class FleetDevice:
    """Who one device is to the broker and to the gateway."""

    device: str
    key_version: int
    uplink_key: bytes = field(repr=False)
    downlink_key: bytes = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """Activities that nobody did."""

    generator: DayGenerator
    seed: int
    history_days: int
    #: activities after the history; None = none with speed "max", otherwise without end
    live: int | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Charging sessions from a file; each station is the device of its id."""

    file: Path
    columns: ColumnMapping


@dataclass(frozen=True, slots=True)
class FleetConfig:
    """A checked configuration."""

    ecosystem: str
    folder: Path
    host: str
    port: int
    devices: tuple[FleetDevice, ...]
    activities: Generated | Recorded
    #: None = as fast as possible
    speed: int | None
    seal_online_seconds: int = 5
    outbox_max_files: int = 128
    micropython: str | None = None
    firmware: str | None = None


def read_config(path: Path) -> FleetConfig:
    """The configuration in a file, relative paths in it counted from its folder; raises SetupError."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SetupError(f"the fleet's configuration {path} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise SetupError(f"the fleet's configuration {path} is no valid JSON: {problem}") from None
    try:
        return _config(raw, path.absolute().parent)
    except (KeyError, TypeError, ValueError) as problem:
        raise SetupError(f"the fleet's configuration {path} cannot be used: {_said(problem)}") from None


def _config(raw: dict[str, Any], here: Path) -> FleetConfig:
    mqtt = raw["mqtt"]
    devices = tuple(_device(one) for one in raw["devices"])
    if not devices or len({one.device for one in devices}) != len(devices):
        raise ValueError("devices: list at least one, each once")
    speed = raw["speed"]
    return FleetConfig(
        ecosystem=_identifier(raw, "ecosystem"),
        folder=here / raw["folder"],
        host=str(mqtt["host"]),
        port=_whole(mqtt, "port", 1, 65_535),
        devices=devices,
        activities=_activities(raw["activities"], here),
        speed=None if speed == "max" else _whole(raw, "speed", 1, 1_000_000),
        seal_online_seconds=_whole(raw, "seal_online_seconds", 1, 3600, 5),
        outbox_max_files=_whole(raw, "outbox_max_files", 2, 65_535, 128),
        micropython=raw.get("micropython"),
        firmware=raw.get("firmware"),
    )


def _device(raw: dict[str, Any]) -> FleetDevice:
    return FleetDevice(
        device=_identifier(raw, "device"),
        key_version=_whole(raw, "key_version", 1, 255, 1),
        uplink_key=_key(raw, "uplink_key"),
        downlink_key=_key(raw, "downlink_key"),
        password=str(raw["password"]),
    )


def _activities(raw: dict[str, Any], here: Path) -> Generated | Recorded:
    if "file" in raw:
        return Recorded(here / raw["file"], ColumnMapping().with_values(raw.get("columns", {})))
    generator = GENERATORS.get(raw["generator"])
    if generator is None:
        raise ValueError(f"generator is {raw['generator']!r}: write one of {', '.join(GENERATORS)}")
    live = _whole(raw, "live", 0, 1_000_000) if "live" in raw else None
    return Generated(generator, _whole(raw, "seed", 0, 1 << 63), _whole(raw, "history_days", 0, 3_660), live)


def _identifier(raw: dict[str, Any], name: str) -> str:
    if not isinstance(raw[name], str) or not is_id(raw[name]):
        raise ValueError(f"{name} is {raw[name]!r}: an id matches {ID_PATTERN}")
    return str(raw[name])


def _key(raw: dict[str, Any], name: str) -> bytes:
    if not isinstance(raw[name], str) or len(raw[name]) != _KEY_DIGITS:
        raise ValueError(f"{name} is no key of {_KEY_DIGITS} hex digits")
    return bytes.fromhex(raw[name])


def _whole(raw: dict[str, Any], name: str, lowest: int, highest: int, default: int | None = None) -> int:
    value = raw.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise ValueError(f"{name} is {value!r}: write a whole number from {lowest} to {highest}")
    return value


def _said(problem: Exception) -> str:
    return f"{problem.args[0]!r} is missing" if isinstance(problem, KeyError) else str(problem)
