"""Everything that Thalweg itself raises.

::

    ThalwegError
    ├── WireError                 bytes that are no valid message
    │   ├── MalformedMessage      the bytes do not follow the format
    │   ├── UnknownVersion        a format version that this build does not decode
    │   └── BadSignature          the authentication code does not match
    ├── DesignError               a value design that cannot be used
    │   ├── InvalidDesign         carries every problem found, each with path and remedy
    │   └── ExpressionError       a condition or value expression that does not compile
    ├── RatingError               quantities that cannot be rated or shared
    ├── StoreError                the database refused or lost something
    │   ├── StoreUnavailable      try again later; nothing was written
    │   └── UnknownEcosystem      no ecosystem of that name is registered
    └── SetupError                this machine lacks something, or a setting is wrong; says what to do

Facts are attributes; each edge (HTTP, command line, rejection row) translates a class once.
"""

from __future__ import annotations


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


class DesignError(ThalwegError):
    """A value design that cannot be used."""


class ExpressionError(DesignError):
    """A condition or value expression that does not compile or does not give what it must."""


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


class SetupError(ThalwegError):
    """This machine lacks something or a setting is wrong; the message says what to do."""
