"""Which columns of a file of charging sessions mean what, said in data."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError

#: decimal places of a Wh in each unit of energy
WH_DECIMALS: Final[Mapping[str, int]] = {"kWh": 3, "Wh": 0}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Names of columns and how their values are written; the defaults fit the City of Boulder's open data."""

    station: str = "Station_Name"
    start: str = "Start_Date___Time"
    end: str = "End_Date___Time"
    energy: str = "Energy__kWh_"
    energy_unit: str = "kWh"
    #: connected time as h:mm:ss or in seconds; empty = the time between start and end
    duration: str = "Total_Duration__hh_mm_ss_"
    #: a whole number that no other row has; empty = the number of the row
    id: str = "ObjectId"
    delimiter: str = ","
    #: as in Python's strptime, or "iso" for ISO 8601; a time without offset is UTC
    time_format: str = "%Y/%m/%d %H:%M:%S+00"

    def __post_init__(self) -> None:
        if self.energy_unit not in WH_DECIMALS:
            raise SetupError(f"energy_unit is {self.energy_unit!r}: write one of {', '.join(WH_DECIMALS)}")
        if len(self.delimiter) != 1:
            raise SetupError(f"delimiter is {self.delimiter!r}: write one character")
        for name in ("station", "start", "end", "energy"):
            if not getattr(self, name):
                raise SetupError(f"no column is given for {name}: write {name}=COLUMN")

    def columns(self) -> list[str]:
        """The columns that a file must have."""
        return [name for name in (self.station, self.start, self.end, self.energy, self.duration, self.id) if name]

    def with_values(self, values: Mapping[str, object]) -> ColumnMapping:
        """This mapping with other values; raises SetupError for an unknown name or a value that is no text."""
        known = [field.name for field in fields(self)]
        texts: dict[str, str] = {}
        for name, value in values.items():
            if name not in known or not isinstance(value, str):
                raise SetupError(f"{name}={value!r} is no column mapping: write text for one of {', '.join(known)}")
            texts[name] = value
        return replace(self, **texts)

    def with_options(self, options: Iterable[str]) -> ColumnMapping:
        """This mapping with values written as `name=value`; raises SetupError."""
        pairs = [option.partition("=") for option in options]
        for name, equals, _ in pairs:
            if not equals:
                raise SetupError(f"{name!r} is no column mapping: write name=value")
        return self.with_values({name.strip(): value for name, _, value in pairs})


def read_mapping(path: Path) -> ColumnMapping:
    """The mapping in a JSON or TOML file (by its ending): an object with the names of `ColumnMapping`."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as problem:
        raise SetupError(f"the column mapping {path} cannot be read: {problem.strerror}") from None
    except ValueError as problem:  # both parsers' errors are ValueErrors
        raise SetupError(f"the column mapping {path} is no valid {path.suffix or 'JSON'}: {problem}") from None
    if not isinstance(values, dict):
        raise SetupError(f"the column mapping {path} is no JSON object: write {{'station': 'column', …}}")
    return ColumnMapping().with_values(values)
