"""`thalweg decode`: a batch in either form, in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from thalweg.errors import MalformedMessage
from thalweg.wire.batch import Batch, TimeQuality, digest
from thalweg.wire.forms import decode, is_json, verify
from thalweg.wire.unsigned import is_unsigned

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUALITIES: Final = {
    TimeQuality.UNSYNCHRONISED: "not synchronised, times are uptimes",
    TimeQuality.NTP: "NTP",
    TimeQuality.EDGE: "edge",
    TimeQuality.GPS: "GPS",
}


def read_bytes(source: str) -> bytes:
    """The bytes of a file, of a signed text, or those that hex digits stand for; raises MalformedMessage for others.

    What an editor adds to a text, a line feed at its end, is left out.
    """
    if is_json(raw := source.encode()):
        return raw.rstrip()
    path = Path(source)
    if len(source) < 256 and path.is_file():
        raw = path.read_bytes()
        return raw.rstrip() if is_json(raw) else raw
    try:
        return bytes.fromhex(source)
    except ValueError:
        raise MalformedMessage("neither an existing file nor a signed text nor an even number of hex digits") from None


def describe(raw: bytes, uplink_key: bytes | None) -> dict[str, Any]:
    """A batch as plain data for JSON; raises WireError, BadSignature too when a key is given."""
    batch = decode(raw)
    if uplink_key is not None:
        verify(raw, uplink_key)
    header = batch.header
    return {
        "bytes": len(raw),
        "format": header.version,
        "form": "JSON rows" if is_json(raw) else "packed",
        "key_version": header.key_version,
        "boot": header.boot,
        "first_seq": header.first_seq,
        "count": header.count,
        "time_quality": _QUALITIES[header.time_quality],
        "digest": digest(raw).hex(),
        "previous_digest": batch.previous_digest.hex(),
        "unsigned": is_unsigned(header),
        "authentic": None if uplink_key is None else True,
        "events": [
            {
                "seq": header.first_seq + offset,
                "at": _moment(batch, event.at_ms),
                "kind": event.kind,
                "type": "exchange" if event.is_exchange else "usage",
                "quantity": event.quantity,
                "attributes": event.attributes,
            }
            for offset, event in enumerate(batch.events)
        ],
    }


def as_text(description: dict[str, Any]) -> str:
    """The description for people: a head, then a line an event."""
    events = description["events"]
    head = [
        f"{name.replace('_', ' ')}: {value}"
        for name, value in description.items()
        if name not in ("events", "authentic", "unsigned")
    ]
    if description["unsigned"]:
        verdict = "none: a gateway made this of a message of a device that is not ours; boot is the profile's version"
    else:
        verdict = "verified" if description["authentic"] else "not checked (give the device's uplink key with --key)"
    head.append(f"authentication code: {verdict}")
    head.append(f"bytes an event: {description['bytes'] / len(events):.1f}")
    lines = [
        f"{event['seq']:>6}  {event['at']}  {event['type']:<8}  {event['kind']}  {event['quantity']}"
        + "".join(f"  {name}={json.dumps(value)}" for name, value in event["attributes"].items())
        for event in events
    ]
    return "\n".join([*head, "", *lines])


def _moment(batch: Batch, at_ms: int) -> str:
    if batch.header.time_quality == TimeQuality.UNSYNCHRONISED:
        return f"uptime {at_ms} ms"
    try:
        return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{at_ms} ms after 1970"
