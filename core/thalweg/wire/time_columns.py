"""The times of the events of many batches, exactly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Integers, Places, exact

#: within these bounds no time of a batch leaves 64 bits: it has less than 2¹⁶ events
_SAFE_STEP_MS: Final = 1 << 40
_SAFE_BASE_MS: Final = 1 << 60


def times(steps_ms: NDArray[np.int64], base_ms: NDArray[np.uint64], batch: Places, offset: Places) -> Integers:
    """The time of each event: its batch's base and the steps up to it."""
    base = base_ms[batch]
    limits = (steps_ms.min(initial=0), steps_ms.max(initial=0), int(base.max(initial=0)))
    if limits[0] > -_SAFE_STEP_MS and limits[1] < _SAFE_STEP_MS and limits[2] < _SAFE_BASE_MS:
        sums = np.cumsum(steps_ms)
        first = np.arange(len(offset)) - offset
        safe: NDArray[np.int64] = base.view(np.int64) + sums - (sums - steps_ms)[first]
        return safe
    exactly: list[int] = []
    for own_base, own_offset, step in zip(base.tolist(), offset.tolist(), steps_ms.tolist(), strict=True):
        exactly.append((exactly[-1] if own_offset else own_base) + step)
    return exact(exactly)
