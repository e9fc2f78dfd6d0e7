"""The field types that all parts of a value design document share."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from thalweg.money import DECIMAL_PATTERN, parse_decimal

ID_PATTERN: Final = r"^[a-z0-9-]{1,32}$"

Id = Annotated[str, Field(pattern=ID_PATTERN, description="1 to 32 of a-z, 0-9 and -")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=2000)]
Positive = Annotated[StrictInt, Field(ge=1)]


def _integer_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


DecimalText = Annotated[
    str,
    BeforeValidator(_integer_as_text, json_schema_input_type=str | int),
    Field(pattern=DECIMAL_PATTERN, description="an exact plain decimal number, in quotes"),
]


class Part(BaseModel):
    """Common settings of all parts of a document: immutable, unknown keys are errors, docstrings reach the schema."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )


def exact(number: str) -> Fraction:
    """The rational that a validated DecimalText writes."""
    return parse_decimal(number)
