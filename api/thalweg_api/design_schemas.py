"""Shapes of the answers about value designs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from thalweg_api.schemas import DesignRef, Schema


class DesignVersionInfo(Schema):
    """A version of the design, and when all figures followed it."""

    design: DesignRef
    in_force_from: datetime
    """All figures asked for from then on follow it, over whichever window. From when to when one of its tariffs or
    agreements holds for what is measured, the document says."""
    in_force_until: datetime | None
    """Exclusive; null: it is in force."""


class DesignAnswer(DesignVersionInfo):
    """A version of the design with its document."""

    document: dict[str, Any]
    """The value design document as it was put in force; `/design-schema` describes it."""
