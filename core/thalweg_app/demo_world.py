"""Registers the ecosystem of an example: participants, devices, and at a first start the shipped design."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg_app.demo_examples import DEFAULT, Example
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

#: the ecosystem of the default example
ECOSYSTEM: Final = DEFAULT.id


def register(database: Database, devices: Sequence[str], now: datetime, example: Example = DEFAULT) -> None:
    """Register the ecosystem and its devices, roles filled in turn; a first start gets the shipped design."""
    registry = Registry(database)
    document = text(example.id)
    design = load(document)
    registry.ensure_ecosystem(example.id, design.name, example.participants)
    if registry.directory(example.id).design_document is None:
        registry.activate_design(example.id, document, content_hash(design), now)
    new = [
        NewDevice(
            name=device,
            operator=example.operator,
            roles={role: fillers[number % len(fillers)] for role, fillers in example.roles.items()},
        )
        for number, device in enumerate(devices)
    ]
    registry.ensure_devices(example.id, new, BEGINNING)
