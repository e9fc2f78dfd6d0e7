"""Signed text: every message that is not a batch. JSON, a full stop, and 32 hex digits of authentication code.

::

    {"boot":305419896,"state":"on"}.5d41402abc4b2a76b9719d911017c592

The code is HMAC-SHA-256, cut to 16 bytes, over the channel's letter, a line feed and the JSON bytes exactly as
sent; so a message of one channel cannot be replayed on another. Any MQTT tool shows the message readably.
"""

from __future__ import annotations

import hmac
import json
from typing import Any, Final

from thalweg.errors import BadSignature, MalformedMessage

_MAC_DIGITS: Final = 32
MAX_TEXT_BYTES: Final = 16_384


def seal(channel: str, body: dict[str, Any], key: bytes) -> bytes:
    """`body` as signed text for `channel` (its letter), under the uplink or downlink key of the device."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b"." + _mac(channel, text, key)


def open_sealed(channel: str, message: bytes, key: bytes) -> dict[str, Any]:
    """The body of a signed text; raises BadSignature, or MalformedMessage when it is no JSON object."""
    text, dot, mac = message[: -_MAC_DIGITS - 1], message[-_MAC_DIGITS - 1 : -_MAC_DIGITS], message[-_MAC_DIGITS:]
    if len(message) > MAX_TEXT_BYTES or dot != b".":
        raise MalformedMessage("no signed text: expected JSON, a full stop and 32 hex digits")
    if not hmac.compare_digest(_mac(channel, text, key), mac):
        raise BadSignature("the text's authentication code does not match")
    try:
        body = json.loads(text)
    except ValueError:
        raise MalformedMessage("the text before the authentication code is not JSON") from None
    if not isinstance(body, dict):
        raise MalformedMessage("the text before the authentication code is no JSON object")
    return body


def _mac(channel: str, text: bytes, key: bytes) -> bytes:
    return hmac.digest(key, channel.encode() + b"\n" + text, "sha256")[: _MAC_DIGITS // 2].hex().encode()
