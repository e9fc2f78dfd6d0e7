"""What the devices say they sent, and what must therefore be stored: sums made apart from the code that is judged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from thalweg_app.chaos.workload import OCCUPANCY, SESSION, UNMAPPED, Place, Sort

#: the design's meters: kind → what each event of it counts for
_METERS: Final = {SESSION: ("energy", "sessions"), OCCUPANCY: ("occupancy",), UNMAPPED: ()}


class Identity(NamedTuple):
    """One batch as the store names it; the digest in hex."""

    device: str
    boot: int
    first_seq: int
    digest: str


class Flow(NamedTuple):
    """Where the store sums a quantity; `bucket` is the quarter hour in Unix ms."""

    meter: str
    device: str
    bucket: int
    group: tuple[str, ...]


class Tally(NamedTuple):
    """Where the store counts what became of events."""

    device: str
    bucket: int
    kind: str
    fate: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a device sent."""

    sort: Sort
    identity: Identity
    end_seq: int
    is_late: bool
    sent: int
    was_acknowledged: bool
    was_receipted: bool
    sums: tuple[tuple[Place, int, int], ...]

    @property
    def events(self) -> int:
        """How many it carries."""
        return self.end_seq - self.identity.first_seq


@dataclass(slots=True)
class Expected:
    """What booked batches come to; quantity and number."""

    flows: Counter[Flow] = field(default_factory=Counter)
    occurrences: Counter[Flow] = field(default_factory=Counter)
    tallies: Counter[Tally] = field(default_factory=Counter)
    tallied: Counter[Tally] = field(default_factory=Counter)

    def of_meter(self, meter: str) -> int:
        """The whole quantity of one meter."""
        return sum(quantity for flow, quantity in self.flows.items() if flow.meter == meter)


class Truth:
    """Every message of a run."""

    def __init__(self, messages: Iterable[Sent]) -> None:
        self.messages = list(messages)

    @classmethod
    def read(cls, path: Path) -> Truth:
        """From the file that the load has written."""
        return cls(map(_sent, path.read_text(encoding="utf-8").splitlines()))

    def of(self, sort: Sort) -> list[Sent]:
        """The messages of one sort."""
        return [each for each in self.messages if each.sort is sort]

    def ends(self) -> dict[tuple[str, int], int]:
        """(device, boot) → how many events the boot has."""
        ends: dict[tuple[str, int], int] = {}
        for each in self.of(Sort.ORIGINAL):
            key = each.identity[:2]
            ends[key] = max(ends.get(key, 0), each.end_seq)
        return ends

    def expected(self, booked: Collection[Identity]) -> Expected:
        """What the batches come to that the store booked: of an original and its rival, one."""
        expected = Expected()
        for each in self.messages:
            if each.identity in booked:
                for (kind, emsp, bucket), quantity, number in each.sums:
                    tally = Tally(each.identity.device, bucket, kind, "mapped" if _METERS[kind] else "unmapped")
                    expected.tallies[tally] += number
                    expected.tallied[tally] += quantity
                    for meter in _METERS[kind]:
                        flow = Flow(meter, each.identity.device, bucket, (emsp,) if emsp else ())
                        expected.flows[flow] += quantity if meter == "energy" else number
                        expected.occurrences[flow] += number
        return expected


def quarter_hours(start: datetime, end: datetime) -> range:
    """The buckets of [start, end) in Unix ms."""
    return range(int(start.astimezone(UTC).timestamp()) * 1000, int(end.timestamp()) * 1000, 900_000)


def _sent(line: str) -> Sent:
    content = json.loads(line)
    return Sent(
        sort=Sort(content["sort"]),
        identity=Identity(content["device"], content["boot"], content["first"], content["digest"]),
        end_seq=content["end"],
        is_late=content["late"],
        sent=content["sent"],
        was_acknowledged=content["acknowledged"],
        was_receipted=content["receipted"],
        sums=tuple(_sums(content["sums"])),
    )


def _sums(raw: list[list[object]]) -> Iterator[tuple[Place, int, int]]:
    for kind, emsp, bucket, quantity, number in raw:
        assert isinstance(bucket, int)
        assert isinstance(quantity, int)
        assert isinstance(number, int)
        yield (str(kind), str(emsp), bucket), quantity, number
