"""`device.json`: who this device is, its keys, its broker, and how it trades delay for fewer messages.

::

    {
      "ecosystem": "ev-city",            "device": "cp-01",
      "key_version": 1,                  "uplink_key": "64 hex digits",   "downlink_key": "64 hex digits",
      "mqtt": {"host": "broker.example", "port": 1883, "user": "cp-01", "password": "…"},
      "wifi": {"name": "…", "password": "…"},     (boards only)
      "seal_online_seconds": 5,          "seal_offline_seconds": 300,     (what is written here, if left out)
      "keep_alive_seconds": 30,          "outbox_max_files": 128
    }
"""

import json

from micropython import const

from tw.errors import ConfigError

_KEY_DIGITS = const(64)
_ID_LIMIT = const(32)
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_HEX_DIGITS = "0123456789abcdef"


class Config:
    """A checked configuration; raises ConfigError that names every mistake."""

    def __init__(self, raw: dict[str, object]) -> None:
        check = _Check(raw)
        self.ecosystem = check.identifier("ecosystem")
        self.device = check.identifier("device")
        self.key_version = check.integer("key_version", 1, 255, None)
        self.uplink_key = check.key("uplink_key")
        self.downlink_key = check.key("downlink_key")
        #: a batch is sealed this long after its first event while the gateway takes events, and while it does not
        self.seal_online_seconds = check.integer("seal_online_seconds", 1, 3600, 5)
        self.seal_offline_seconds = check.integer("seal_offline_seconds", 1, 86_400, 300)
        #: a dead connection goes unnoticed for 1.5 times as long
        self.keep_alive_seconds = check.integer("keep_alive_seconds", 1, 3600, 30)
        #: places in the outbox, one 4 KiB block each
        self.outbox_max_files = check.integer("outbox_max_files", 2, 65_535, 128)
        mqtt = check.section("mqtt")
        self.host = mqtt.text("host")
        self.port = mqtt.integer("port", 1, 65_535, 1883)
        self.user = mqtt.text("user")
        self.password = mqtt.text("password")
        self.wifi: tuple[str, str] | None = None
        if "wifi" in raw:
            wifi = check.section("wifi")
            self.wifi = (wifi.text("name"), wifi.text("password"))
        if self.user != self.device:
            check.mistake("mqtt.user", f"is not the device's id: write {self.device!r}")
        if check.mistakes:
            raise ConfigError("device.json cannot be used:\n" + "\n".join(check.mistakes))


def load(path: str) -> Config:
    """The configuration in a file; raises ConfigError."""
    try:
        with open(path) as file:
            raw = json.load(file)
    except OSError:
        raise ConfigError(f"there is no {path}: copy the device's configuration to it") from None
    except ValueError:
        raise ConfigError(f"{path} is no JSON: copy the device's configuration again") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} is no JSON object: copy the device's configuration again")
    return Config(raw)


class _Check:
    """Takes values out of one JSON object and notes what is wrong with them."""

    def __init__(self, raw: dict[str, object], prefix: str = "", mistakes: list[str] | None = None) -> None:
        self._raw = raw
        self._prefix = prefix
        self.mistakes: list[str] = [] if mistakes is None else mistakes

    def mistake(self, name: str, text: str) -> None:
        self.mistakes.append(f"  {self._prefix}{name} {text}")

    def section(self, name: str) -> "_Check":
        value = self._raw.get(name)
        if not isinstance(value, dict):
            self.mistake(name, "is missing or no JSON object: write it in braces")
            value = {}
        return _Check(value, f"{self._prefix}{name}.", self.mistakes)

    def text(self, name: str) -> str:
        value = self._raw.get(name)
        if not isinstance(value, str) or not value:
            self.mistake(name, "is missing or no text: write it in quotation marks")
            return ""
        return value

    def identifier(self, name: str) -> str:
        value = self._raw.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _ID_LIMIT or not _consists_of(value, _ID_CHARACTERS):
            self.mistake(name, "is no id: use 1 to 32 of a-z, 0-9 and -")
            return ""
        return value

    def integer(self, name: str, lowest: int, highest: int, default: int | None) -> int:
        value = self._raw.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            self.mistake(name, f"is no whole number from {lowest} to {highest}: write one")
            return lowest
        return value

    def key(self, name: str) -> bytes:
        value = self._raw.get(name)
        if not isinstance(value, str) or len(value) != _KEY_DIGITS or not _consists_of(value.lower(), _HEX_DIGITS):
            self.mistake(name, f"is no key of {_KEY_DIGITS} hex digits: copy it from the registration of this device")
            return b""
        return bytes.fromhex(value)


def _consists_of(text: str, characters: str) -> bool:
    return all(character in characters for character in text)
