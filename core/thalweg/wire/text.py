"""Signed text: every message that is not a packed batch. JSON, a full stop, and 32 hex digits of authentication code.

::

    {"boot":305419896,"state":"on"}.5d41402abc4b2a76b9719d911017c592

The code is HMAC-SHA-256, cut to 16 bytes, over the channel's letter, a line feed and the JSON bytes exactly as
sent; so a message of one channel cannot be replayed on another. Any MQTT tool shows the message readably.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any, Final

from thalweg.errors import BadSignature, MalformedMessage
from thalweg.wire import authentication
from thalweg.wire.json_object import read_object

_MAC_DIGITS: Final = 2 * authentication.CODE_BYTES
MAX_TEXT_BYTES: Final = 16_384


def seal(channel: str, body: dict[str, Any], key: bytes) -> bytes:
    """`body` as signed text for `channel` (its letter), under the uplink or downlink key of the device."""
    return sign(channel, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(), key)


def sign(channel: str, text: bytes, key: bytes) -> bytes:
    """`text`, which is JSON, with its full stop and authentication code."""
    return text + b"." + _mac(channel, text, key)


def open_sealed(channel: str, message: bytes, key: bytes) -> dict[str, Any]:
    """The body of a signed text; raises BadSignature, or MalformedMessage when it is no object that can be kept."""
    text = json_part(message, MAX_TEXT_BYTES)
    verify(channel, message, key)
    return read_object(text)


def json_part(message: bytes, max_bytes: int) -> bytes:
    """What a signed text says, unproved; raises MalformedMessage for what is none or too long."""
    if len(message) > max_bytes:
        raise MalformedMessage(f"{len(message)} bytes; a signed text of this channel has at most {max_bytes}")
    if message[-_MAC_DIGITS - 1 : -_MAC_DIGITS] != b".":
        raise MalformedMessage("no signed text: expected JSON, a full stop and 32 hex digits")
    return message[: -_MAC_DIGITS - 1]


def verify(channel: str, message: bytes, key: bytes) -> None:
    """Raise BadSignature unless a signed text ends with its authentication code under `key`."""
    if not hmac.compare_digest(_mac(channel, message[: -_MAC_DIGITS - 1], key), message[-_MAC_DIGITS:]):
        raise BadSignature("the text's authentication code does not match")


def checker(channel: str, key: bytes) -> Callable[[bytes], bool]:
    """Tells of many signed texts of `channel` whether each ends with its authentication code under `key`."""
    code_of = authentication.Codes(key, _purpose(channel)).of
    return lambda message: hmac.compare_digest(
        code_of(message[: -_MAC_DIGITS - 1]).hex().encode(), message[-_MAC_DIGITS:]
    )


def _mac(channel: str, text: bytes, key: bytes) -> bytes:
    return authentication.code(key, text, _purpose(channel)).hex().encode()


def _purpose(channel: str) -> bytes:
    return b"%b\n" % channel.encode()
