"""What the devices send: real signed batches of all sizes, some late, some contradicted, some damaged. All seeded."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from thalweg.wire.batch import AttributeValue, BatchWriter, Event, digest
from thalweg_app.bench.workload import Device

SESSION: Final = "charging.session"
OCCUPANCY: Final = "occupancy"
#: no meter of the design measures it
UNMAPPED: Final = "heartbeat"
MAX_EVENTS: Final = 450
BOOTS: Final = 2
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LATE_PERCENT: Final = 10
_LATE_DAYS: Final = 5
#: what is not late is of the last hours
_FRESH_MS: Final = 2 * HOUR_MS
_STEP_MS: Final = 2_000
_CONFLICTING_PERCENT: Final = 1
_CORRUPT_PERMILLE: Final = 1
MAX_COPIES: Final = 5
_EMSPS: Final = ("volt-pass", "e-roamer", "greenmile")


class Sort(StrEnum):
    """What a message is to the system."""

    ORIGINAL = "original"
    RIVAL = "rival"  #: authentic, with the seqs of an original and other content: a conflict
    CORRUPT = "corrupt"  #: an original with a byte changed


#: kind, provider ("" where there is none), quarter hour in Unix ms
Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One message of one device."""

    sort: Sort
    boot: int
    first_seq: int
    end_seq: int
    payload: bytes
    is_late: bool
    #: what its events sum up to: quantity and number
    sums: dict[Place, tuple[int, int]]

    @property
    def digest(self) -> bytes:
        """What tells it from others of the same seqs."""
        return digest(self.payload)


@dataclass(slots=True)
class Outgoing:
    """Everything that one device has to send."""

    #: by boot, in the order of their seqs
    originals: list[Sealed] = field(default_factory=list)
    #: place among the originals → its rival
    rivals: dict[int, Sealed] = field(default_factory=dict)
    corrupt: list[Sealed] = field(default_factory=list)
    #: places among the originals, each 1 to 5 times, shuffled
    order: list[int] = field(default_factory=list)


def outgoing(device: Device, seed: int, events: int, now_ms: int, *, at_least: int) -> Outgoing:
    """What `device` sends: `events` events over two boots, none after `now_ms`. The same arguments give the same.

    It has `at_least` so many rivals and corrupt messages, so that a short run has some.
    """
    chance = random.Random(f"workload/{seed}/{device.name}")  # noqa: S311 - reproducible, no secret
    batches = _Batches(device, chance, now_ms)
    made = Outgoing()
    for boot in range(BOOTS):
        made.originals += batches.of_boot(chance.getrandbits(32), events // BOOTS + (boot < events % BOOTS))
    places = range(len(made.originals))
    contradicted = _some(chance, places, 10 * _CONFLICTING_PERCENT, at_least)
    made.rivals = {place: batches.rival(made.originals[place]) for place in contradicted}
    damaged = _some(chance, places, _CORRUPT_PERMILLE, at_least)
    made.corrupt = [batches.corrupt(made.originals[place]) for place in damaged]
    made.order = [place for place in places for _ in range(chance.randint(1, MAX_COPIES))]
    chance.shuffle(made.order)
    return made


class _Batches:
    """Makes the batches of one device."""

    def __init__(self, device: Device, chance: random.Random, now_ms: int) -> None:
        self._key = device.keys.uplink
        self._chance = chance
        self._now_ms = now_ms

    def of_boot(self, boot: int, events: int) -> Iterator[Sealed]:
        """Batches of 1 to 450 events, of every order of size alike, until there are `events`."""
        writer, first_seq = BatchWriter(self._key, boot), 0
        while first_seq < events:
            size = min(int(math.exp(self._chance.uniform(0, math.log(MAX_EVENTS + 1)))), events - first_seq)
            is_late = self._chance.randrange(100) < LATE_PERCENT
            yield self._sealed(Sort.ORIGINAL, writer, boot, first_seq, size, is_late)
            first_seq += size

    def rival(self, original: Sealed) -> Sealed:
        """Another content for the seqs of `original`."""
        writer = BatchWriter(self._key, original.boot, first_seq=original.first_seq)
        size = original.end_seq - original.first_seq
        return self._sealed(Sort.RIVAL, writer, original.boot, original.first_seq, size, original.is_late)

    def corrupt(self, original: Sealed) -> Sealed:
        """`original` with another value in one of its bytes."""
        payload = bytearray(original.payload)
        payload[self._chance.randrange(len(payload))] ^= self._chance.randrange(1, 256)
        return Sealed(
            sort=Sort.CORRUPT,
            boot=original.boot,
            first_seq=original.first_seq,
            end_seq=original.end_seq,
            payload=bytes(payload),
            is_late=original.is_late,
            sums={},
        )

    def _sealed(
        self, sort: Sort, writer: BatchWriter, boot: int, first_seq: int, size: int, is_late: bool
    ) -> Sealed:  # fmt: skip
        sums: Counter[Place] = Counter()
        numbers: Counter[Place] = Counter()
        for event in self._events(size, is_late):
            writer.add(event)
            place = (event.kind, str(event.attributes.get("emsp", "")), event.at_ms // QUARTER_MS * QUARTER_MS)
            sums[place] += event.quantity
            numbers[place] += 1
        return Sealed(
            sort=sort,
            boot=boot,
            first_seq=first_seq,
            end_seq=first_seq + size,
            payload=writer.seal(),
            is_late=is_late,
            sums={place: (sums[place], number) for place, number in numbers.items()},
        )

    def _events(self, count: int, is_late: bool) -> Iterator[Event]:
        chance = self._chance
        age_ms = chance.randrange(HOUR_MS, _LATE_DAYS * DAY_MS) if is_late else chance.randrange(_FRESH_MS)
        at_ms = self._now_ms - age_ms - count * _STEP_MS
        for _ in range(count):
            at_ms += chance.randrange(1, _STEP_MS)
            attributes: dict[str, AttributeValue] = {}
            match chance.randrange(10):
                case 0:
                    yield Event(at_ms, UNMAPPED, chance.randrange(9), False, attributes)
                case 1 | 2:
                    yield Event(at_ms, OCCUPANCY, chance.randrange(2), True, {"to": "city"})
                case _:
                    attributes["emsp"] = chance.choice(_EMSPS)
                    yield Event(at_ms, SESSION, chance.randrange(100, 8_000), False, attributes)


def _some(chance: random.Random, places: range, permille: int, at_least: int) -> list[int]:
    """So many in a thousand of `places`: one more or less by chance, so that many devices together have the share."""
    count, rest = divmod(len(places) * permille, 1000)
    count = max(at_least, count + (chance.randrange(1000) < rest))
    return sorted(chance.sample(places, min(count, len(places))))
