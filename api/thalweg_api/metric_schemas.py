"""Shapes of the answers about metrics: the catalogue, the readings, and what no figure counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from thalweg.metrics import Basis, Better, Group, Level
from thalweg_api.schemas import AsOf, DesignRef, Exact, Schema, Unrated, WindowName


class Zoom(StrEnum):
    """What counts as a node."""

    PARTICIPANT = "participant"
    ROLE = "role"


class MetricInfo(Schema):
    """One entry of the metric catalogue; help texts are made from it."""

    id: str
    """Stable. With a dot, another reading of the metric before the dot."""
    name: str
    formula: str
    """The definition, in the terms of the value design."""
    unit: str
    """"money" (the ecosystem's currency), "ratio", "%", "pp", "points", "s", "count" or "truth" (1 or 0)."""
    group: Group
    """"fast" for what is computed on every request, "analysis" for what is computed from time to time."""
    levels: list[Level]
    """What it can be asked of."""
    explanation: str
    basis: Basis | None = None
    """Whether it counts money only or all value; null for what counts neither."""
    direction: Better | None = None
    """Which way is better; null for what only describes."""
    source: str | None = None
    """Where the definition comes from; null where it is Thalweg's own."""


class MetricsWindow(Schema):
    """A half-open interval of event time."""

    name: WindowName | None
    """Null for a window that was asked for by its ends."""
    start: datetime | None
    """Inclusive; null: from the beginning."""
    end: datetime
    """Exclusive."""


class MetricReading(Schema):
    """One metric's value for one thing, or null with the reason."""

    metric: str
    level: Level
    of: list[str]
    """What it is of: empty for the design, one id, or several for a pair or a loop."""
    value: Exact | None
    unit: str
    reason: str | None
    """Why there is no value: "no_flow", "not_positive", "too_few_windows", "not_declared" (the design does not say what
    it needs), "not_given" (nor does anything else) or "too_large"."""
    previous: Exact | None
    """The same over the window of equal length before, where that was asked for; null without a value, and where that
    window was not measured whole."""


class Estimate(Schema):
    """How one side's value of an exchange was found."""

    exchange: str
    name: str
    """The exchange's name."""
    side: str
    """"giver" or "receiver"."""
    amount: Exact
    """For one unit of the exchange, in the currency, or in points of the 5-3-1 scale, which are in no sum."""
    method: str
    confidence: str | None
    """"high", "medium", "low"; null: the design does not say."""


class ReadingsAnswer(Schema):
    """Readings over one window, all from one committed state."""

    as_of: AsOf
    design: DesignRef
    currency: str
    """ISO 4217 code."""
    window: MetricsWindow
    zoom: Zoom
    readings: list[MetricReading]
    names: dict[Level, dict[str, str]]
    """Level → id → name, of all that the readings are of."""


class MetricsAnswer(ReadingsAnswer):
    """Metrics of the fast group."""

    unrated: list[Unrated]
    estimates: list[Estimate]
    """What the figures over all value rest on besides measured money."""


class Candidate(Schema):
    """Events of one kind that no meter asks for, often enough to be an exchange that the design could draw."""

    shape: str
    """Their kind."""
    events: int
    quarters: int
    """Quarter hours in which they came."""
    first_seen: datetime
    last_seen: datetime


class AnalysesAnswer(ReadingsAnswer):
    """Metrics of the analysis group, as of when they were computed: `as_of.computed_at` says how old they are."""

    is_current: bool
    """False where something was committed since, or the window moved on."""
    is_computing: bool
    """True while a newer answer is being computed: ask again in some seconds. Where this one is old and none is, a
    newer one waits, lest analyses take the machine for themselves; who asks after that has it computed."""
    windows: int
    """How many windows of this length, this one included, the measures over time had to go by."""
    against: DesignRef | None
    """The other design that m38 and m39 compare with."""
    candidates: list[Candidate]
    """What m37 counts."""
