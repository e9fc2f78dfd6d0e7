"""What the readers of one database need not read again."""

from __future__ import annotations

from dataclasses import dataclass, field

from thalweg_store.register import RememberedRegisters
from thalweg_store.remembered_hours import RememberedHours


@dataclass(frozen=True, slots=True)
class Remembered:
    """Safe to share between threads."""

    hours: RememberedHours = field(default_factory=RememberedHours)
    registers: RememberedRegisters = field(default_factory=RememberedRegisters)
