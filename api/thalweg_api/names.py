"""What ids are called, so that nobody who reads an answer has to know them: of participants and parts of a design."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from thalweg.design import Design, all_exchanges
from thalweg.metrics import REST_OF_WORLD, Level
from thalweg_api.metric_schemas import MetricReading, Zoom

#: of all that lies outside a design's boundary, taken together
OUTSIDE: Final = "Rest of the world"


@dataclass(frozen=True)
class Names:
    """The names under one design; what has none is called by its id."""

    design: Design
    #: participant id → name
    participants: Mapping[str, str]

    def participant(self, participant: str) -> str:
        """A participant's name; for `suspense:<role>` and `role:<role>` that of the role that nobody fills."""
        if participant == REST_OF_WORLD:
            return OUTSIDE
        prefix, colon, role = participant.partition(":")
        if not colon:
            return self.participants.get(participant, participant)
        return f"{self.role(role)} (vacant)" if prefix == "suspense" else self.role(role)

    def role(self, role: str) -> str:
        """A role's name, or that of a parent of roles."""
        return OUTSIDE if role == REST_OF_WORLD else self._roles.get(role, role)

    def exchange(self, exchange: str) -> str:
        """An exchange's name; shares that the design draws no exchange for have one too."""
        return self._exchanges.get(exchange, exchange)

    def of(self, readings: Iterable[MetricReading], zoom: Zoom) -> dict[Level, dict[str, str]]:
        """Level → id → name, of all that `readings` are of."""
        naming = self._by_level(zoom)
        ids: defaultdict[Level, set[str]] = defaultdict(set)
        for reading in readings:
            if reading.of:
                ids[reading.level].update(reading.of)
        return {level: {each: naming.get(level, str)(each) for each in sorted(found)} for level, found in ids.items()}

    def _by_level(self, zoom: Zoom) -> Mapping[Level, Callable[[str], str]]:
        """How to name what is of a level; devices and kinds of events have no other name than theirs."""
        design, node = self.design, self.participant if zoom is Zoom.PARTICIPANT else self.role
        interfaces, drivers, extracts = _by_id(design.interfaces), _by_id(design.drivers), _by_id(design.extracts)
        return {
            Level.NODE: node,
            Level.PAIR: node,
            Level.LOOP: node,
            Level.ROLE: self.role,
            Level.EXCHANGE: self.exchange,
            Level.INTERFACE: lambda each: interfaces.get(each, each),
            Level.DRIVER: lambda each: drivers.get(each, each),
            Level.EXTRACT: lambda each: extracts.get(each, each),
        }

    @cached_property
    def _roles(self) -> Mapping[str, str]:
        return _by_id(self.design.nodes)

    @cached_property
    def _exchanges(self) -> Mapping[str, str]:
        return _by_id(all_exchanges(self.design).values())


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def _by_id(parts: Iterable[_Named]) -> dict[str, str]:
    return {part.id: part.name for part in parts}
