"""CEL expressions over an event: compiled once, evaluated per event, integers and text only.

CEL (Common Expression Language) has no side effects and no loops of its own; its integers are checked 64-bit ones.
"""

from __future__ import annotations

import re
from typing import Final

import cel

from thalweg.errors import ExpressionError

#: the names that an expression may use
VARIABLES: Final = frozenset({"attributes", "quantity"})
#: the functions that it may call besides operators; nothing here yields a floating-point number or a time
FUNCTIONS: Final = frozenset({"size", "contains", "startsWith", "endsWith", "matches", "int", "string"})

_COMPARISONS: Final = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
_LOGIC: Final = frozenset({"_&&_", "_||_", "!_", "_?_:_"})
_ARITHMETIC: Final = frozenset({"_+_", "_-_", "-_", "_*_", "_/_", "_%_", "_[_]"})
_ATTRIBUTES: Final = re.compile(r"\battributes\b")
_ATTRIBUTE: Final = re.compile(r"\battributes\s*\.\s*([A-Za-z_]\w*)\b(?!\s*\()")
#: what the library raises when an expression does not fit an event
_EVALUATION_ERRORS: Final = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)

#: an event's values, prepared once for any number of expressions
Context = cel.Context


class Expression:
    """One compiled expression."""

    __slots__ = ("_program", "attributes", "reads_quantity", "source")

    def __init__(self, source: str, variables: frozenset[str] = VARIABLES) -> None:
        """Compile `source`, which may use `variables`; raises ExpressionError."""
        self.source = source
        try:
            self._program = cel.compile(source)
        except ValueError as error:
            reason = str(error).splitlines()[0].partition(" expecting ")[0].rpartition("ERROR: ")[2]
            raise ExpressionError(f"it does not parse: {reason}") from None
        if unknown := sorted(set(self._program.variables()) - variables):
            known = " and ".join(f"`{name}`" for name in sorted(variables))
            raise ExpressionError(f"it uses {', '.join(unknown)}; it may use {known} only")
        if unknown := sorted(set(self._program.functions()) - FUNCTIONS - _COMPARISONS - _LOGIC - _ARITHMETIC):
            raise ExpressionError(f"it calls {', '.join(unknown)}; known functions are {', '.join(sorted(FUNCTIONS))}")
        #: names that hold every attribute that it reads; None: it may read any
        self.attributes = _attributes_read(source)
        self.reads_quantity = "quantity" in self._program.variables()

    def evaluate(self, context: Context | None) -> object:
        """The expression's value for one event; raises ExpressionError with the reason in words."""
        try:
            return self._program.execute(context)
        except KeyError as error:
            raise ExpressionError(f"the event has no attribute {error}") from None
        except _EVALUATION_ERRORS as error:
            raise ExpressionError(f"{self.source!r} fails: {error}") from None


def _attributes_read(source: str) -> frozenset[str] | None:
    """The names behind `attributes.`, a few too many at worst; None where `attributes` stands in any other way."""
    names: list[str] = _ATTRIBUTE.findall(source)
    return frozenset(names) if len(names) == len(_ATTRIBUTES.findall(source)) else None


def context_of(attributes: dict[str, int | str], quantity: int) -> Context:
    """The values of one event as expressions see them."""
    return cel.Context(variables={"attributes": attributes, "quantity": quantity})
