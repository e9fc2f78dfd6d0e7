"""What a profile document may say: how the records of one kind of third-party source become events."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, model_validator

from thalweg.design.fields import DecimalText, Id, Name, Part, Positive, Text

KIND_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
ATTRIBUTE_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
REASON_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"

Expression = Annotated[str, Field(min_length=1, max_length=1000)]
AttributeName = Annotated[str, Field(pattern=ATTRIBUTE_PATTERN)]
LoopName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Format(StrEnum):
    """What a record is written in."""

    CSV = "csv"
    JSON = "json"
    SENML = "senml"  #: SenML in JSON (RFC 8428), its records resolved
    SPARKPLUG = "sparkplug"  #: Sparkplug B, its metrics decoded


class Rounding(StrEnum):
    """What becomes of a part that is smaller than the smallest step."""

    EXACT = "exact"  #: it is an error
    HALF_EVEN = "half_even"
    HALF_UP = "half_up"  #: away from zero
    DOWN = "down"  #: towards zero


class Source(Part):
    """Where a value is taken from: exactly one of these."""

    path: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(default=None, alias="from")
    """A column of a CSV file; else a path such as `ENERGY.Total` or `params['em:0'].total` into the payload, or, if its
    first name is that of a loop, into the loop's present item."""
    cel: Expression | None = None
    """A CEL expression over `row` (CSV) or `payload`, the names of loops, and `topic`. Fractions are text."""
    topic: LoopName | None = None
    """A named level of the topic."""
    const: StrictInt | str | None = None
    """The value itself."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.path, self.cel, self.topic, self.const)) != 1:
            raise ValueError("give exactly one of `from`, `cel`, `topic` and `const`")
        return self


class Value(Source):
    """A text or an integer of an event."""

    form: Literal["text", "id", "integer"] | None = Field(default=None, alias="as")
    """`id`: lower-case letters, digits and hyphens, as ids of devices and participants are written. Where this is not
    given, a value with a unit, a currency or a factor is an integer, any other a text."""
    unit: Name | None = None
    """Unit that the source counts in; the integer is in the smallest step of its dimension."""
    unit_from: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Path of the unit, where the record names one; `unit` is for records that do not."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """The value is an amount of money; the integer is in atoms, 10⁻⁶ of the minor unit."""
    times: DecimalText | None = None
    """An exact factor, such as "1000" for seconds to milliseconds."""
    round: Rounding = Rounding.EXACT
    optional: StrictBool = False
    """An attribute that the record lacks is left out; otherwise the record is unreadable."""

    @property
    def is_integer(self) -> bool:
        """Whether it gives an integer."""
        is_scaled = any(each is not None for each in (self.unit, self.unit_from, self.currency, self.times))
        return self.form == "integer" or (self.form is None and (is_scaled or type(self.const) is int))

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.form in ("text", "id") and (self.unit or self.unit_from or self.currency or self.times):
            raise ValueError("a text has no unit, currency or factor")
        if self.currency and (self.unit or self.unit_from):
            raise ValueError("money has a currency and no unit")
        return self


class Time(Source):
    """When something was measured."""

    format: Annotated[str, Field(min_length=1, max_length=60)] = "iso8601"
    """`iso8601`, `unix` (seconds, also with a fraction), `unix_ms`, or a pattern as in Python's `strptime`."""
    zone: Name | None = None
    """Time zone of times that do not say their offset, such as UTC or America/Denver."""
    ambiguous: Literal["reject", "earlier", "later"] = "reject"
    """Which of the two a local time is that occurs twice when clocks are put back."""


def _short(value: object) -> object:
    if isinstance(value, str):
        return {"from": value}
    return {"const": value} if type(value) is int else value


AnyValue = Annotated[Value, BeforeValidator(_short)]
AnyTime = Annotated[Time, BeforeValidator(_short)]


class Demand(Part):
    """What a record must fulfil to be read."""

    that: Expression
    """A CEL condition."""
    reason: Annotated[str, Field(pattern=REASON_PATTERN)]
    """The word under which records are counted that do not."""


class Identity(Part):
    """What tells a record from every other of its source, so that it counts once however often it comes."""

    by: Annotated[tuple[AnyValue, ...], Field(min_length=1, max_length=8)]
    within: Literal["device", "profile"] = "device"
    """Whether two devices may use the same id for different records."""


class Counter(Part):
    """The quantity is a reading that only grows: events are the differences of readings."""

    name: AnyValue
    """Tells the counters of one device apart."""
    wraps_at: Positive | None = None
    """The reading behind the largest, where it begins at 0 again, in the smallest step; without one, a smaller reading
    than the last is a reset, and counts from 0."""


class EventProfile(Part):
    """One kind of event that a record gives."""

    kind: Annotated[str, Field(pattern=KIND_PATTERN)] | Value
    each: Annotated[dict[LoopName, Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=4)] = {}  # noqa: RUF012 - pydantic copies it
    """Loops, outer ones first: name → path of an array, or of an object, whose items have `key` and `value`; `$` is the
    payload itself."""
    where: Expression | None = None
    """A CEL condition: otherwise the record, or the loop's item, gives no such event."""
    at: Literal["received"] | AnyTime = "received"
    """When it was measured. `received`: the source does not say; then it is the time at which the record came."""
    quantity: AnyValue = Value(const=1)
    attributes: Annotated[dict[AttributeName, AnyValue], Field(max_length=16)] = {}  # noqa: RUF012 - pydantic copies it
    device: AnyValue | None = None
    """Who measured, where one record tells of several devices."""
    to: AnyValue | None = None
    """The receiver, which makes it a data exchange."""
    demands: tuple[Demand, ...] = ()
    identity: Identity | None = None
    """Without one, and without a counter, only what the transport delivers again is told from new records. Readings of
    a counter are told apart by their times."""
    counter: Counter | None = None

    @model_validator(mode="after")
    def _counts_integers(self) -> Self:
        if not (self.quantity.is_integer or self.quantity.form is None):
            raise ValueError("the quantity must be an integer")
        if self.counter is not None and (self.at == "received" or self.identity is not None):
            raise ValueError("a counter needs the time of the source, which tells its readings apart, and no identity")
        return self


class CsvOptions(Part):
    """How a CSV file is written; it has a heading."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal_comma: StrictBool = False


class Profile(Part):
    """A profile. Obtain one from `thalweg.profiles.load`, which checks it."""

    id: Id
    version: Positive
    """Raised with every change, so that each event says by which rules it was read."""
    name: Name
    description: Text | None = None
    format: Format
    csv: CsvOptions = CsvOptions()
    topic: Annotated[str, Field(max_length=300)] | None = None
    """Pattern of MQTT topics: `{name}` names one level, `+` stands for any, a last `#` for all that follow."""
    ignore: Expression | None = None
    """A CEL condition: such records are meant for others and are not counted."""
    without_event: Literal["reject", "ignore"] = "reject"
    """What becomes of a record of which no event comes, although all of it could be read."""
    device: AnyValue | None = None
    """Who measured; its id is made from it. Only where every event says so itself, it may be left out."""
    events: Annotated[tuple[EventProfile, ...], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _says_who_measured(self) -> Self:
        if self.device is None and any(event.device is None for event in self.events):
            raise ValueError("give `device`, of the profile or of every event")
        return self
