"""SenML packs (RFC 8428, section 4.6), resolved: each record with its full name, time and value."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any, Final

from thalweg.errors import UnreadableRecord

#: times below are relative to now (section 4.5.3)
_RELATIVE_BELOW: Final = 1 << 28
_VERSION: Final = 10
#: sums are exact or an error
_EXACT: Final = Context(prec=80, traps=[Inexact, InvalidOperation, Overflow])


def resolved(pack: object) -> dict[str, Any]:
    """`{"records": [{"n", "u", "v", "vs", "vb", "s", "t"}, …]}`, keys that say nothing left out.

    `t` is seconds since 1970, and left out where a record does not say: it is as of now then. Raises UnreadableRecord.
    """
    if not isinstance(pack, list):
        raise UnreadableRecord("malformed", "a SenML pack is an array of records")
    base: dict[str, Any] = {}
    records = []
    for place, record in enumerate(pack):
        if not isinstance(record, dict):
            raise UnreadableRecord("malformed", f"record {place} of the SenML pack is no object")
        if unknown := [name for name in record if name.endswith("_")]:
            raise UnreadableRecord("malformed", f"record {place} must not be read without knowing {unknown[0]!r}")
        base |= {name: value for name, value in record.items() if name.startswith("b")}
        if type(base.get("bver", _VERSION)) is not int or base.get("bver", _VERSION) > _VERSION:
            raise UnreadableRecord("malformed", f"SenML version {base['bver']}; up to {_VERSION} is read")
        if not record.keys().isdisjoint(("v", "vs", "vb", "vd", "s")):
            records.append(_resolved(base, record, place))
    return {"records": records}


def _resolved(base: Mapping[str, Any], record: Mapping[str, Any], place: int) -> dict[str, Any]:
    name = f"{base.get('bn', '')}{record.get('n', '')}"
    if not name:
        raise UnreadableRecord("malformed", f"record {place} of the SenML pack has no name")
    found: dict[str, Any] = {"n": name}
    unit = record.get("u", base.get("bu"))
    if unit is not None:
        found["u"] = unit
    for key in ("v", "s"):
        if key in record:
            found[key] = _sum(base.get("b" + key), record[key], place)
    found |= {key: record[key] for key in ("vs", "vb", "vd") if key in record}
    if "bt" in base or "t" in record:
        time = _sum(base.get("bt"), record.get("t", 0), place)
        if time >= _RELATIVE_BELOW:
            found["t"] = time
        elif time != 0:
            raise UnreadableRecord("bad_time", f"record {place}: a time relative to now ({time} s) identifies nothing")
    return found


def _sum(base: object, own: object, place: int) -> Decimal:
    total = Decimal(0)
    for part in (base, own):
        if part is None:
            continue
        if isinstance(part, bool) or not isinstance(part, int | Decimal):
            raise UnreadableRecord("bad_number", f"record {place} of the SenML pack holds {part!r:.40}, no number")
        try:
            total = _EXACT.add(total, Decimal(part))
        except ArithmeticError:
            raise UnreadableRecord("bad_number", f"record {place} of the SenML pack holds too long a number") from None
    return total
