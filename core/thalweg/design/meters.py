"""Meters: how events become quantities. Content-addressed, so that designs share what they measure alike."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

from pydantic import Field, StrictBool, StringConstraints

from thalweg.design.fields import Id, Name, Part, Text
from thalweg.units import smallest_step

#: the value expression that needs no evaluation
PLAIN_QUANTITY: Final = "quantity"
#: what a meter's hash does not depend on
_NOT_MEASURED: Final = {"id", "name", "description"}
_HASH_DIGITS: Final = 32

Expression = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Meter(Part):
    """Measures the events of one kind. Expressions are CEL over `attributes` and `quantity`."""

    id: Id
    name: Name
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    """The events' kind; for a data exchange, the object that is handed over."""
    exchange: StrictBool = False
    """True to measure data exchanges, false to measure usage."""
    where: Expression | None = None
    """Condition: only events for which it is true are measured."""
    value: Expression = PLAIN_QUANTITY
    """Gives the integer quantity of one event, in the smallest step of the unit."""
    unit: Name
    group_by: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    """Attributes whose values keep quantities apart, such as the payer."""
    description: Text | None = None


def meter_hash(meter: Meter) -> str:
    """32 hex digits that depend on what is measured alone: the same definition in two designs is the same meter.

    The unit counts by its smallest step, in which quantities are. Defaults are left out, so a later release that adds
    a field does not change the hash of meters that do not use it.
    """
    return digest(meter_definition(meter))


def meter_definition(meter: Meter) -> dict[str, Any]:
    """What the hash of `meter` depends on, as plain data."""
    definition: dict[str, Any] = meter.model_dump(mode="json", exclude=_NOT_MEASURED, exclude_defaults=True)
    definition["unit"] = smallest_step(meter.unit)
    return definition


def digest(content: object) -> str:
    """The first 16 bytes of the SHA-256 of canonical JSON (sorted keys, no spaces, UTF-8), in hex."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_DIGITS]
