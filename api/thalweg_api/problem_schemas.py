"""Shapes of answers to requests that are not fulfilled (RFC 9457)."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """RFC 9457 problem details: why a request is not answered, and what to do."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class NotMeasured(Problem):
    """The time asked for is not covered by a meter of the design: figures for it would be too small."""

    meter: str
    measured_since: datetime | None
    """From when on the meter covers everything; the window "all" begins then. Null: it measures nothing here."""
