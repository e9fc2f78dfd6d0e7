"""The metadata that every table registers with, and the naming of constraints."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Column, DateTime, MetaData

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def moment(name: str, *, optional: bool = False, comment: str | None = None) -> Column[datetime]:
    """A column of aware UTC times."""
    return Column(name, DateTime(timezone=True), nullable=optional, comment=comment)
