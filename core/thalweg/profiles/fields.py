"""Compiled fields: each looks at a record and gives a text or an integer, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final, NamedTuple

import cel

from thalweg.design.expressions import Context, Expression
from thalweg.errors import ExpressionError, UnitError, UnreadableRecord
from thalweg.money import atoms_per_major_unit, parse_decimal
from thalweg.profiles.document import Format, Profile, Source, Time, Value
from thalweg.profiles.paths import look_up, steps_of
from thalweg.profiles.times import time_reader
from thalweg.profiles.values import integer, is_missing, number, readable_id, text
from thalweg.units import unit
from thalweg.wire.varint import SIGNED_LIMIT

TOPIC: Final = "topic"
ROW: Final = "row"
PAYLOAD: Final = "payload"
#: what a path may begin with: the payload itself
WHOLE: Final = "$"


class Scope:
    """A record as fields see it: its root, the present items of loops, the named levels of its topic."""

    __slots__ = ("__dict__", "topic", "values")

    def __init__(self, values: Mapping[str, object], topic: Mapping[str, str]) -> None:
        self.values = values
        self.topic = topic

    @cached_property
    def context(self) -> Context:
        """The same for CEL."""
        is_row = ROW in self.values  # which holds nothing but text
        values = self.values if is_row else {name: _plain(value) for name, value in self.values.items()}
        return cel.Context(variables={**values, TOPIC: dict(self.topic)})


def _plain(value: object) -> object:
    """`value` without numbers that CEL would make inexact: those with a fraction, or beyond 64 bits, become text."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    return str(value) if type(value) is int and not -SIGNED_LIMIT <= value < SIGNED_LIMIT else value


Getter = Callable[[Scope], object]


class Names(NamedTuple):
    """What sources of a profile may speak of."""

    #: `row` or `payload`
    root: str
    loops: tuple[str, ...]
    topic: frozenset[str]
    decimal_comma: bool

    @classmethod
    def of(cls, profile: Profile, topic: frozenset[str]) -> Names:
        """Those outside of any loop."""
        is_csv = profile.format is Format.CSV
        return cls(ROW if is_csv else PAYLOAD, (), topic, is_csv and profile.csv.decimal_comma)

    def within(self, *loops: str) -> Names:
        """Those within `loops`."""
        return self._replace(loops=(*self.loops, *loops))


def condition(source: str, names: Names) -> Callable[[Scope], bool]:
    """A compiled CEL condition; raises ExpressionError."""
    expression = _expression(source, names)

    def holds(scope: Scope) -> bool:
        value = _evaluated(expression, scope)
        if type(value) is not bool:
            raise UnreadableRecord("expression", f"{source!r} gives {value!r:.80}, not true or false")
        return value

    return holds


def value_field(value: Value, names: Names, what: str) -> Callable[[Scope], str | int | None]:
    """What gives the text or integer that `value` describes; None for what the record does not say.

    It raises UnreadableRecord. Raises ValueError, and the errors of money, units and expressions, for what cannot work.
    """
    get, what = getter(value, names), _words(value, what)
    if not value.is_integer:
        make = readable_id if value.form == "id" else None

        def read_text(scope: Scope) -> str | None:
            found = get(scope)
            if is_missing(found):
                return None
            words = text(found, what)
            return words if make is None else make(words, what)

        return read_text
    factor_of = _factor(value, names, what)

    def read_integer(scope: Scope) -> int | None:
        found = get(scope)
        if is_missing(found):
            return None
        exact = number(found, what, decimal_comma=names.decimal_comma)
        return integer(exact * factor_of(scope), value.round, what)

    return read_integer


def time_field(time: Time, names: Names, what: str) -> Callable[[Scope], int | None]:
    """What gives Unix time in ms; None for what the record does not say. Raises as `value_field` does."""
    get, what = getter(time, names), _words(time, what)
    read = time_reader(time, what)

    def read_time(scope: Scope) -> int | None:
        found = get(scope)
        return None if is_missing(found) else read(found)

    return read_time


def getter(source: Source, names: Names) -> Getter:
    """What takes the raw value from a record; raises ValueError or ExpressionError for what cannot work."""
    if source.path is not None:
        return path_getter(source.path, names)
    if source.cel is not None:
        expression = _expression(source.cel, names)
        return lambda scope: _evaluated(expression, scope)
    if source.topic is not None:
        name = source.topic
        if name not in names.topic:
            raise ValueError(f"the topic has no level {name!r}; name it in the pattern: {{{name}}}")
        return lambda scope: scope.topic.get(name)
    constant = source.const
    return lambda _scope: constant


def path_getter(path: str, names: Names) -> Getter:
    """What takes a column, or what lies at a path; raises ValueError for what is no path."""
    if names.root == ROW:
        return lambda scope: scope.values[ROW].get(path)  # type: ignore[attr-defined]  # a row is a table
    steps = steps_of(path)
    if steps[0] == WHOLE:
        return lambda scope: look_up(scope.values[PAYLOAD], steps[1:])
    if steps[0] in names.loops:
        loop, below = str(steps[0]), steps[1:]
        return lambda scope: look_up(scope.values[loop], below)
    return lambda scope: look_up(scope.values[PAYLOAD], steps)


def columns_of(profile: Profile) -> Iterator[str]:
    """The columns that a profile of CSV files takes values from, each once."""
    sources: list[Source] = [profile.device] if profile.device is not None else []
    for event in profile.events:
        own = [event.device, event.kind, event.at, event.quantity, *event.attributes.values(), event.to]
        own += event.identity.by if event.identity else ()
        sources += [each for each in own if isinstance(each, Source)]
    yield from dict.fromkeys(each.path for each in sources if each.path is not None)


def _factor(value: Value, names: Names, what: str) -> Callable[[Scope], Fraction]:
    """Smallest steps, or atoms, in one of what the source counts."""
    times = parse_decimal(value.times) if value.times is not None else Fraction(1)
    if value.currency is not None:
        times *= atoms_per_major_unit(value.currency)
    fixed = times * (unit(value.unit).steps if value.unit is not None else 1)
    if value.unit_from is None:
        return lambda _scope: fixed
    get_unit = path_getter(value.unit_from, names)

    def factor(scope: Scope) -> Fraction:
        symbol = get_unit(scope)
        if is_missing(symbol) and value.unit is not None:
            return fixed
        try:
            return times * unit(str(symbol)).steps
        except UnitError as error:
            raise UnreadableRecord("unknown_unit", f"{what}: {error}") from None

    return factor


def _expression(source: str, names: Names) -> Expression:
    return Expression(source, frozenset({names.root, TOPIC, *names.loops}))


def _evaluated(expression: Expression, scope: Scope) -> object:
    try:
        return expression.evaluate(scope.context)
    except (ExpressionError, ValueError) as error:  # the latter for values that CEL cannot take
        raise UnreadableRecord("expression", str(error)) from None


def _words(source: Source, what: str) -> str:
    return what if source.path is None else f"{what} ({source.path})"
