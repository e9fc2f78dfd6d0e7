"""Paths into a payload: `ENERGY.Total`, `meterValue[0].timestamp`, `params['em:0'].total_act_energy`."""

from __future__ import annotations

import re
from typing import Final

_STEP: Final = re.compile(r"\.?([A-Za-z_$][\w$-]*)|\[(\d{1,6})\]|\['([^']*)'\]")

Steps = tuple[str | int, ...]


def steps_of(path: str) -> Steps:
    """The keys and indices of `path`; raises ValueError."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (found.start() == 0 and path.startswith(".")):
            raise ValueError(f"{path!r} is no path such as ENERGY.Total, values[0].v or params['em:0'].total")
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else name if name is not None else quoted)
        at = found.end()
    return tuple(steps)


def look_up(value: object, steps: Steps) -> object:
    """What lies at `steps` below `value`; None where nothing does."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
