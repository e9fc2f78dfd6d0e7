"""What is asked of the metrics: a window, a zoom level, perhaps an extract or another design."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query

from thalweg_api.auth import EcosystemDep
from thalweg_api.metric_schemas import Zoom
from thalweg_api.problems import QuestionError
from thalweg_api.schemas import WindowName
from thalweg_api.windows import Span
from thalweg_store.facts import quarter_hour

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200


class Interval(NamedTuple):
    """[start, end) of event time, quarter hours UTC; `start` None means from the beginning."""

    start: datetime | None
    end: datetime

    @property
    def ends(self) -> tuple[datetime, datetime] | None:
        """Both ends, where both are known."""
        return (self.start, self.end) if self.start is not None else None

    def before(self) -> Interval | None:
        """The interval of equal length before this one."""
        return Interval(self.start - (self.end - self.start), self.start) if self.start is not None else None


class Question(NamedTuple):
    """One question; equal questions have equal answers at the same time."""

    ecosystem: str
    #: None where `interval` is what was asked for
    window: WindowName | None
    interval: Interval | None
    zoom: Zoom
    #: parents whose parts are seen as one
    cut: tuple[str, ...]
    extract: str | None
    #: version of the other design
    against: int | None = None
    #: whether the window before is to be read too
    previous: bool = False

    def asked_interval(self, now: datetime, measured_since: datetime | None) -> Interval:
        """The window that is meant at `now`; the one called "all" begins where everything is measured."""
        if self.interval is not None:
            return self.interval
        assert self.window is not None
        span = Span.ending(self.window, now, measured_since)
        return Interval(span.start, span.end)


async def question(
    ecosystem: EcosystemDep,
    window: Annotated[
        WindowName | None, Query(description="window of event time that ends now; by default 24h")
    ] = None,
    since: Annotated[
        datetime | None,
        Query(alias="from", description="instead of `window`: its start, ISO 8601 with offset, on a quarter hour"),
    ] = None,
    until: Annotated[datetime | None, Query(alias="to", description="its end, exclusive, likewise")] = None,
    zoom: Annotated[Zoom | None, Query(description="what counts as a node; by default participants")] = None,
    cut: Annotated[
        list[str], Query(description="node of the design that is seen as one with all its parts; implies zoom=role")
    ] = [],  # noqa: B006 - FastAPI copies it
    extract: Annotated[str | None, Query(description="extract to look at by itself; implies zoom=role")] = None,
    previous: Annotated[bool, Query(description="also give each figure of the window of equal length before")] = False,
) -> Question:
    """The question in a request's query; raises QuestionError where it contradicts itself."""
    interval = _interval(since, until)
    if interval is not None and window is not None:
        raise QuestionError("Ask for a `window` or for `from` and `to`, not for both.")
    if extract is not None and cut:
        raise QuestionError("An `extract` names its own zoom levels: leave `cut` out.")
    if zoom is Zoom.PARTICIPANT and (cut or extract is not None):
        raise QuestionError("`cut` and `extract` are views of roles: leave `zoom` out, or write zoom=role.")
    seen = Zoom.ROLE if cut or extract is not None else zoom or Zoom.PARTICIPANT
    name = None if interval is not None else window or WindowName.DAY
    return Question(ecosystem, name, interval, seen, tuple(sorted(set(cut))), extract, previous=previous)


QuestionDep = Annotated[Question, Depends(question)]


def _interval(since: datetime | None, until: datetime | None) -> Interval | None:
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise QuestionError("A window has two ends: send `from` and `to`, or `window`.")
    interval = Interval(_moment("from", since), _moment("to", until))
    if since >= until:
        raise QuestionError("`from` is not before `to`.")
    return interval


def _moment(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        remedy = "write Z for UTC, or %2B02:00 (a plus sign in an address is %2B)"
        raise QuestionError(f"`{name}` has no offset: {remedy}.")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise QuestionError(f"`{name}` is outside the years {_FIRST_YEAR} to {_LAST_YEAR}.")
    if quarter_hour(moment) != moment:
        raise QuestionError(f"`{name}` lies within a quarter hour: figures are kept from :00, :15, :30 and :45 on.")
    return moment.astimezone(UTC)
