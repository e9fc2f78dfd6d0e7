"""From one record to its events, or to the reason why it gives none. Pure: the same record always gives the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from thalweg.errors import UnreadableRecord
from thalweg.profiles.document import EventProfile, Profile, Value
from thalweg.profiles.fields import Names, Scope, columns_of, condition, path_getter, time_field, value_field
from thalweg.profiles.topics import TopicPattern
from thalweg.profiles.values import readable_id
from thalweg.wire.batch import AttributeValue, Event
from thalweg.wire.json_batch import TO

_SEPARATOR: Final = "\x1f"
NO_EVENT: Final = "no_event"
MISSING: Final = "missing"


class Found(NamedTuple):
    """An event of a record. With `counter`, its quantity is a reading."""

    device: str
    event: Event
    #: what tells it from all other events of the profile; None where the source says nothing that does
    identity: str | None
    #: name of the counter that was read, None for an event that stands for itself
    counter: str | None = None
    wraps_at: int | None = None
    #: whether the time is that of the source, not that of the receipt
    has_own_time: bool = True


class Refused(NamedTuple):
    """A record, or a part of it, that gives no event."""

    #: a stable word: missing, bad_number, bad_time, …, or a demand's own
    reason: str
    detail: str
    #: as far as they could be read
    device: str | None = None
    identity: str | None = None


Reading = tuple[Found | Refused, ...]


class Reader:
    """A compiled profile. Immutable, and safe to share between threads."""

    def __init__(self, profile: Profile) -> None:
        """Raises ValueError, and the errors of expressions, units and money; a loaded profile never causes them."""
        self.profile = profile
        self.topic = TopicPattern(profile.topic) if profile.topic is not None else None
        names = Names.of(profile, frozenset(self.topic.names if self.topic else ()))
        self._root = names.root
        self._ignores = condition(profile.ignore, names) if profile.ignore is not None else None
        self._device = _as_id(profile.device, names) if profile.device is not None else None
        self._events = [_EventReader(place, each, names) for place, each in enumerate(profile.events)]
        #: of a CSV file: the columns that it must have
        self.columns = tuple(columns_of(profile))

    def read(self, record: object, received_ms: int, topic: str | None = None) -> Reading:
        """What a record says that was received at `received_ms`; empty for one that the profile ignores.

        `record` is a row (column → text) or a decoded payload.
        """
        levels: Mapping[str, str] | None = {}
        if self.topic is not None and topic is not None:
            levels = self.topic.match(topic)
        if levels is None:
            return (Refused("other_topic", f"topic {topic!r} is not {self.profile.topic!r}"),)
        scope = Scope({self._root: record}, levels)
        device = None
        try:
            if self._ignores is not None and self._ignores(scope):
                return ()
            device = self._device(scope) if self._device is not None else None
        except UnreadableRecord as error:
            return (Refused(error.reason, str(error)),)
        found = [each for event in self._events for each in event.read(scope, device, received_ms)]
        if not found and self.profile.without_event == "reject":
            return (Refused(NO_EVENT, "nothing in it is an event by this profile", device),)
        return tuple(found)


class _EventReader:
    """One kind of event."""

    def __init__(self, place: int, event: EventProfile, outside: Names) -> None:
        self._place = place
        names, self._loops = outside, []
        for loop, path in event.each.items():
            self._loops.append((loop, path_getter(path, names)))
            names = names.within(loop)
        self._where = condition(event.where, names) if event.where is not None else None
        self._kind = value_field(event.kind, names, "kind") if isinstance(event.kind, Value) else None
        self._fixed_kind = "" if isinstance(event.kind, Value) else event.kind
        self._device = _as_id(event.device, names) if event.device is not None else None
        self._at = None if event.at == "received" else time_field(event.at, names, "time")
        self._quantity = value_field(_as_integer(event.quantity), names, "quantity")
        self._attributes = [
            (name, value.optional, value_field(value, names, name)) for name, value in event.attributes.items()
        ]
        self._to = value_field(event.to, names, "receiver") if event.to is not None else None
        self._demands = [(condition(each.that, names), each) for each in event.demands]
        identity = event.identity
        self._identity = [value_field(each, names, "identity") for each in identity.by] if identity else []
        self._is_of_device = identity is None or identity.within == "device"
        self._counter = value_field(event.counter.name, names, "counter") if event.counter else None
        self._wraps_at = event.counter.wraps_at if event.counter else None

    def read(self, scope: Scope, device: str | None, received_ms: int) -> Iterator[Found | Refused]:
        """The events of this kind; a part that is unreadable leaves the others as they are.

        `device` measured, unless the event itself says who did.
        """
        try:
            inner = list(_scopes(scope, self._loops))
        except UnreadableRecord as error:
            yield Refused(error.reason, str(error), device)
            return
        for each in inner:
            own, identity = device, None
            try:
                if self._where is not None and not self._where(each):
                    continue
                own = device if self._device is None else self._device(each)
                assert own is not None, "the profile or the event says who"
                identity = self._identity_of(each, own)
                yield self._found(each, own, identity, received_ms)
            except UnreadableRecord as error:
                yield Refused(error.reason, str(error), own, identity)

    def _found(self, scope: Scope, device: str, identity: str | None, received_ms: int) -> Found:
        for holds, demand in self._demands:
            if not holds(scope):
                raise UnreadableRecord(demand.reason, f"it does not fulfil {demand.that!r}")
        missing: list[str] = []
        kind = self._fixed_kind if self._kind is None else _needed(self._kind(scope), "kind", missing)
        at_ms = received_ms if self._at is None else _needed(self._at(scope), "time", missing)
        quantity = _needed(self._quantity(scope), "quantity", missing)
        attributes: dict[str, AttributeValue] = {}
        if self._to is not None:
            attributes[TO] = str(_needed(self._to(scope), "receiver", missing))
        for name, is_optional, read in self._attributes:
            value = read(scope)
            if value is not None:
                attributes[name] = value
            elif not is_optional:
                missing.append(name)
        counter = None if self._counter is None else str(_needed(self._counter(scope), "counter", missing))
        if missing:
            raise UnreadableRecord(MISSING, f"it does not say: {', '.join(missing)}")
        if counter is not None and int(quantity) < 0:
            raise UnreadableRecord("bad_number", f"a counter reads {quantity}")
        event = Event(int(at_ms), str(kind), int(quantity), self._to is not None, attributes)
        return Found(device, event, identity, counter, self._wraps_at, self._at is not None)

    def _identity_of(self, scope: Scope, device: str) -> str | None:
        if not self._identity:
            return None
        missing: list[str] = []
        parts = [str(_needed(read(scope), "identity", missing)) for read in self._identity]
        if missing:
            raise UnreadableRecord(MISSING, "it does not say its identity")
        return _SEPARATOR.join([str(self._place), device if self._is_of_device else "", *parts])


def _scopes(scope: Scope, loops: Sequence[tuple[str, Callable[[Scope], object]]]) -> Iterator[Scope]:
    """A scope for every item of the loops, within each other."""
    if not loops:
        yield scope
        return
    (name, get), *inner = loops
    found = get(scope)
    items = [{"key": key, "value": value} for key, value in found.items()] if isinstance(found, dict) else found
    if items is None:
        return
    if not isinstance(items, list):
        raise UnreadableRecord("malformed", f"{name} goes through an array or an object, not {found!r:.60}")
    for item in items:
        yield from _scopes(Scope({**scope.values, name: item}, scope.topic), inner)


def _needed(value: str | int | None, what: str, missing: list[str]) -> str | int:
    if value is None:
        missing.append(what)
        return 0
    return value


def _as_integer(value: Value) -> Value:
    return value if value.is_integer else value.model_copy(update={"form": "integer"})


def _as_id(value: Value, names: Names) -> Callable[[Scope], str]:
    read = value_field(value, names, "device")

    def device(scope: Scope) -> str:
        name = read(scope)
        if name is None:
            raise UnreadableRecord(MISSING, "it does not say which device measured")
        return readable_id(str(name), "device")

    return device
