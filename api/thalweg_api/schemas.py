"""Shapes of the API's answers. Money is a decimal string in the ecosystem's currency, times are aware UTC.

Every answer that shows figures carries one `as_of`: all its figures come from the same committed state.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

#: an exact decimal as a string without exponent, since JSON's numbers are floats to most readers
Exact = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
Money = Annotated[Exact, Field(description="exact decimal amount in the ecosystem's currency")]


class Schema(BaseModel):
    """Common settings of all answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class WindowName(StrEnum):
    """The windows that a client may ask for; they end now and are half-open."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    ALL = "all"


class AsOf(Schema):
    """The committed state that all figures of an answer come from."""

    commit: int
    """Number of the store's last commit that the figures include; grows by commits that changed something."""
    changes: int
    """Grows whenever a design, an assignment or a close changes what figures follow from."""
    at: datetime | None
    """When that commit happened; null before the first."""
    computed_at: datetime
    """When the figures were derived from it."""


class Window(Schema):
    """A half-open interval of event time."""

    name: WindowName
    start: datetime | None
    """Inclusive. The window "all" begins when all meters of the design had begun to measure; null: they have always."""
    end: datetime
    """Exclusive."""


class Participant(Schema):
    """A participant of the ecosystem that the caller may view as."""

    id: str
    name: str
    roles: list[str]


class DesignRef(Schema):
    """The value design that the figures follow."""

    id: str
    version: int
    hash: str
    name: str


class EcosystemInfo(Schema):
    """What the dashboards need to know of an ecosystem before any figure."""

    id: str
    name: str
    currency: str
    """ISO 4217 code."""
    design: DesignRef
    participants: list[Participant]
    viewer: str
    """The signed-in person or token, for display."""


class Figure(Schema):
    """One metric's value, or null with the reason."""

    metric: str
    """Id in the metric catalogue, such as "m1"."""
    value: Exact | None
    unit: str
    """"EUR" (the currency), "ratio", "%", "pp" (percentage points), "points", "s", "count" or "truth" (1 or 0)."""
    reason: str | None = None
    """Why there is no value: "no_flow", "not_positive", "too_few_windows", "not_declared" (the design does not say what
    it needs), "not_given" (nor does anything else) or "too_large"."""
    previous: Exact | None = None
    """The same figure over the window of equal length before this one; null where there is none, or not all of it was
    measured."""


class Tile(Schema):
    """A headline figure of the overview."""

    id: str
    """For a participant "captured", "net_cash", "share", "capture_ratio"; for the whole "created", "gross",
    "concentration", "coverage"; for both "events_per_minute" and "silent"."""
    label: str
    figure: Figure
    note: str | None = None
    """A short second line, such as "12 s behind"."""


class MapNode(Schema):
    """A participant on the value map."""

    id: str
    name: str
    roles: list[str]
    kind: str
    """The node kind of the value design: organisation, smart_sensor, market_segment, …"""
    contributed: Money
    """What depends on it, shared equally among all that it depends on; sums to the value created."""
    captured: Money
    """m2."""
    share: Figure
    """m4: its part of all value created."""
    devices: int
    silent_devices: int


class Medium(StrEnum):
    """What flows."""

    MONEY = "money"
    GOOD = "good"
    SERVICE = "service"
    DATA = "data"
    KNOWLEDGE = "knowledge"
    BENEFIT = "benefit"


class Conformance(StrEnum):
    """Designed and occurring (drawn solid), or designed and not occurring (dashed)."""

    CONFORMING = "conforming"
    DESIGNED_ONLY = "designed_only"


class MapFlow(Schema):
    """One exchange between two participants within the window."""

    exchange: str
    name: str
    source: str
    """Participant id of the giver."""
    target: str
    """Participant id of the receiver."""
    medium: Medium
    object: str
    worth: Money
    """What it was worth to the receiver; for money, the amount."""
    quantity: Exact
    unit: str
    occurrences: int
    occurrences_per_minute: Exact
    """Rate over the last five minutes of commits: drives the dots."""
    conformance: Conformance


class Share(Schema):
    """A participant's part of the gross."""

    participant: str
    name: str
    roles: list[str]
    exact: Money
    """Exact to the atom (10⁻⁶ of the minor unit)."""
    settled: Money
    """In whole minor units; the settled shares sum to the settled gross."""
    share: Figure
    """m7: its part of the gross in percent."""


class SilentDevice(Schema):
    """A device that has not been heard for longer than it should."""

    device: str
    name: str
    owner: str
    """Name of the participant that operates it."""
    last_heard: datetime | None
    """Null: never."""
    silent_seconds: int | None


class EcosystemName(Schema):
    """An ecosystem that the caller may read."""

    id: str
    name: str


class Session(Schema):
    """Who is signed in, and what they may read."""

    viewer: str
    ecosystems: list[EcosystemName]


class Why(StrEnum):
    """Why a quantity or an amount has not gone its whole way."""

    NO_PRICE = "no_price"
    NOT_SHARED = "not_shared"


class Unrated(Schema):
    """What was measured and not turned into money, or turned into money and not shared. Nothing of it is lost."""

    exchange: str
    name: str
    source: str
    """Participant id of the payer."""
    source_name: str
    target: str
    """Participant id of the payee."""
    target_name: str
    why: Why
    """"no_price": no tariff has a price for it, so it is in no figure of money; a tariff with one, dated back, makes up
    for it. "not_shared": no agreement is on this charge, so the payee has it whole."""
    amount: Exact
    """The quantity that lacks a price, or the money that is not shared."""
    unit: str
    """The quantity's unit, or the currency."""
    occurrences: int


class Overview(Schema):
    """Everything on the first page, from one committed state."""

    as_of: AsOf
    window: Window
    view: str | None
    """Participant id, or null for the whole ecosystem."""
    tiles: list[Tile]
    nodes: list[MapNode]
    flows: list[MapFlow]
    gross: Money
    """What final payers paid, settled in whole minor units: the sum of the settled shares."""
    shares: list[Share]
    """Participants with a positive net share of the gross, largest first."""
    metrics: list[Figure]
    """The design's metrics of the catalogue that apply to the whole: m1, m6, m9, m35, m47, m48."""
    silent: list[SilentDevice]
    devices: int
    """Number of registered devices."""
    unrated: list[Unrated] = Field(default_factory=list)
    """What was measured in the window and has no price."""


class Accounting(Schema):
    """What became of every event: recorded by devices, received, mapped to value exchanges."""

    as_of: AsOf
    recorded: int
    """Seqs that the devices are known to have given out."""
    committed: int
    """Events whose batch is durably stored."""
    mapped: int
    unmapped: int
    parked: int
    rejected: int
    undecodable: int
    """Events of authentic batches whose inside does not follow the format."""
    gaps: int
    """Seqs below a device's highest committed one that are missing."""
    duplicates: int
    """Batches that came again with the same bytes; harmless."""
    conflicts: int
    """Batches that claim the seqs of another; quarantined."""
    measured_since: datetime | None
    """When what follows begins: all meters of the design measure since then; null: since the beginning."""
    quantities: dict[str, int]
    """Meter id → integer quantity in the smallest step of its unit."""
    currency: str
    """ISO 4217 code of the money below."""
    gross: Money
    """m6 since then, exact."""
    shares: dict[str, Money]
    """Participant id → exact share of the gross; they sum to it."""
