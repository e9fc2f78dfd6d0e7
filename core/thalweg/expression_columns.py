"""Expressions over many events at once, where they are arithmetic and comparisons of whole numbers.

That is a part of CEL in which nothing can fail but by leaving 64 bits. Whatever is not of it, or does, is left to
`thalweg.design.expressions`, which evaluates event by event and says why it fails.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Integers, added, less, times

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LOGIC: Final[Mapping[type[ast.boolop], Callable[[Any, Any], Any]]] = {ast.And: operator.and_, ast.Or: operator.or_}
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Integers, Integers], Integers]]] = {
    ast.Add: added,
    ast.Sub: less,
    ast.Mult: times,
}
_REMEMBERED: Final = 256


class _BeyondError(Exception):
    """The expression says more than is understood here, or its numbers leave 64 bits."""


def evaluate(source: str, quantity: NDArray[np.int64], attributes: Mapping[str, NDArray[np.int64]]) -> Any | None:
    """The value of an expression of CEL for each event: a column of truths, or of 64-bit integers.

    `attributes` are those of whole numbers that all the events have. None where event by event is the only way.
    """
    parsed = _parsed(source)
    if parsed is None:
        return None
    try:
        return _Events(quantity, attributes).value(parsed)
    except _BeyondError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _parsed(source: str) -> ast.expr | None:
    """What both languages write and bind alike, read as Python; None where Python reads nothing."""
    try:
        return ast.parse(source.strip().replace("&&", " and ").replace("||", " or "), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Events:
    """Values of the parts of an expression; any part that is not expected raises _BeyondError."""

    def __init__(self, quantity: NDArray[np.int64], attributes: Mapping[str, NDArray[np.int64]]) -> None:
        self._quantity = quantity
        self._attributes = attributes

    def value(self, part: ast.expr) -> Any:
        """Truths or whole numbers."""
        match part:
            case ast.BoolOp(op=op, values=values):
                truths = [self._truth(each) for each in values]
                found = truths[0]
                for each in truths[1:]:
                    found = _LOGIC[type(op)](found, each)
                return found
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return _COMPARISONS[type(op)](self._number(left), self._number(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _in_64_bits(_ARITHMETIC[type(op)](self._number(left), self._number(right)))
        return self._operand(part)

    def _operand(self, part: ast.expr) -> NDArray[np.int64]:
        match part:
            case ast.Name(id="quantity"):
                return self._quantity
            case ast.Attribute(value=ast.Name(id="attributes"), attr=name) if name in self._attributes:
                return self._attributes[name]
            case ast.Constant(value=int(number)) if type(number) is int:
                return self._constant(number)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))) if type(number) is int:
                return self._constant(-number)
        raise _BeyondError

    def _truth(self, part: ast.expr) -> Any:
        found = self.value(part)
        if found.dtype != np.bool_:
            raise _BeyondError
        return found

    def _number(self, part: ast.expr) -> Integers:
        found: Integers = self.value(part)
        if found.dtype != np.int64:
            raise _BeyondError
        return found

    def _constant(self, number: int) -> NDArray[np.int64]:
        if not -(1 << 63) <= number < 1 << 63:
            raise _BeyondError
        return np.full(len(self._quantity), number, np.int64)


def _in_64_bits(column: Integers) -> Integers:
    if column.dtype != np.int64:
        raise _BeyondError
    return column
