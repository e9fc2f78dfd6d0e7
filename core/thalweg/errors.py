"""Everything that Thalweg itself raises.

::

    ThalwegError
    ├── WireError                 bytes that are no valid message
    │   ├── MalformedMessage      the bytes do not follow the format
    │   ├── UnknownVersion        a format version that this build does not decode
    │   ├── BadSignature          the authentication code does not match
    │   └── UnknownSender         nobody that may send: not registered, revoked, or an unknown key version
    ├── DesignError               a value design that cannot be used
    │   ├── InvalidDesign         carries every problem found, each with path and remedy
    │   └── ExpressionError       a condition or value expression that does not compile
    ├── MoneyError                an amount or currency that is not exact, or weights that cannot share
    ├── UnitError                 a unit that the registry does not hold
    ├── ProfileError              a profile of third-party payloads that cannot be used, or what it cannot read
    │   ├── InvalidProfile        carries every problem found, each with path and remedy
    │   └── UnreadableRecord      a payload, row or field that gives no event; carries the reason
    ├── MeasurementError          an event that a meter cannot measure; carries meter and reason
    ├── RatingError               quantities that cannot be rated or shared
    ├── StoreError                the database refused or lost something
    │   ├── StoreUnavailable      try again later; nothing was written
    │   ├── UnknownEcosystem      no ecosystem of that name is registered
    │   ├── UnknownDevice         no device of that name is registered in the ecosystem
    │   └── OutsideCoverage       asked for figures that the store does not hold; names the interval that it does
    └── SetupError                this machine lacks something, or a setting is wrong; says what to do

Facts are attributes; each edge (HTTP, command line, rejection row) translates a class once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class ThalwegError(Exception):
    """Root of the tree."""


class WireError(ThalwegError):
    """A message that cannot be accepted; `reason` is the stable word kept in rejection rows."""

    reason = "malformed"


class MalformedMessage(WireError):
    """The bytes do not follow the format of their version."""


class UnknownVersion(WireError):
    """The first byte names a format version that this build does not decode."""

    reason = "unknown_version"


class BadSignature(WireError):
    """The authentication code does not match the bytes under the sender's key."""

    reason = "bad_signature"


class UnknownSender(WireError):
    """The topic names nobody that may send; `reason` says in which way."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class DesignError(ThalwegError):
    """A value design that cannot be used."""


class Problem(NamedTuple):
    """One thing that is wrong with a design document, and what to do about it."""

    #: place in the document, such as `exchanges[3].from`; empty for the document as a whole
    path: str
    #: what is wrong
    message: str
    #: what to do
    remedy: str

    def __str__(self) -> str:
        return f"{self.path or 'document'}: {self.message} → {self.remedy}"


class InvalidDesign(DesignError):
    """A document that is no usable value design; `problems` holds all that is wrong, in the document's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the design has {count}:", *(f"  {problem}" for problem in self.problems)]))


class ExpressionError(DesignError):
    """A condition or value expression that does not compile or does not give what it must."""


class MoneyError(ThalwegError):
    """An amount that is not exact, an unknown currency, or weights that nothing can be shared by."""


class UnitError(ThalwegError):
    """A unit that the registry does not hold."""


class ProfileError(ThalwegError):
    """A profile of third-party payloads that cannot be used, or something that it cannot read."""


class InvalidProfile(ProfileError):
    """A document that is no usable profile; `problems` holds all that is wrong, in the document's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["the profile cannot be used:", *(f"  {problem}" for problem in self.problems)]))


class UnreadableRecord(ProfileError):
    """A payload, row or field that gives no event; `reason` is the stable word kept in rejection rows."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class MeasurementError(ThalwegError):
    """An event that a meter cannot measure: an attribute is missing, a number overflows or is no integer."""

    def __init__(self, meter: str, reason: str) -> None:
        self.meter = meter
        self.reason = reason
        super().__init__(f"meter {meter!r} cannot measure this event: {reason}")


class RatingError(ThalwegError):
    """Quantities that cannot be rated or shared under the given terms."""


class StoreError(ThalwegError):
    """The database refused or lost something."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or broke off; nothing of the attempt was kept."""


class UnknownEcosystem(StoreError):
    """No ecosystem of that name is registered."""

    def __init__(self, ecosystem: str) -> None:
        self.ecosystem = ecosystem
        super().__init__(f"no ecosystem {ecosystem!r} is registered here")


class UnknownDevice(StoreError):
    """No device of that name is registered in the ecosystem."""

    def __init__(self, ecosystem: str, device: str) -> None:
        self.ecosystem = ecosystem
        self.device = device
        super().__init__(f"no device {device!r} is registered in {ecosystem!r}")


class OutsideCoverage(StoreError):
    """Figures of a meter were asked for a time that its rollups do not cover; `start` and `end` say what they cover."""

    def __init__(self, meter: str, start: datetime | None, end: datetime | None) -> None:
        self.meter = meter
        #: None: from the beginning, or nothing at all where `end` is None too
        self.start = start
        #: None: up to now
        self.end = end
        covered = f"{start or 'the beginning'} to {end or 'now'}"
        super().__init__(f"meter {meter!r} is covered from {covered}: ask for a time within")


class SetupError(ThalwegError):
    """This machine lacks something or a setting is wrong; the message says what to do."""
