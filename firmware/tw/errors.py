"""Everything that the device package itself raises.

::

    DeviceError
    ├── OutboxFull     no room for another event; nothing was recorded, try again once receipts have freed room
    ├── BadText        a signed text that must be ignored: forged, damaged or no signed text at all
    ├── ConfigError    device.json cannot be used; the message names every mistake with its remedy
    └── LinkError      the broker refused the connection or broke the protocol; the client connects again by itself

An attribute or quantity that the wire format cannot carry is a TypeError or ValueError.
"""


class DeviceError(Exception):
    """Root of the tree."""


class OutboxFull(DeviceError):
    """No room for another event until a receipt covers what is held; the event was not recorded."""


class BadText(DeviceError):
    """A signed text that must be ignored."""


class ConfigError(DeviceError):
    """The device's configuration cannot be used."""


class LinkError(DeviceError):
    """The broker refused the connection or broke the protocol."""
