"""JSON texts at and beyond the edge of what a birth or last will says."""

from __future__ import annotations

import json
import random
from typing import Any, Final

_NUMBERS: Final = (
    *("0", "-0", "-1", "1", "4294967295", "4294967296", "4294967297", "18446744073709551616", "0.5", "1e2", "1e400"),
    *("-1e999", "NaN", "Infinity", "9" * 300, "9" * 5000, "1e-400", "253402300800000", "1790000000000"),
)
_WORDS: Final = (
    *('"on"', '"off"', '""', "null", "true", "false", "[]", "{}", r'"\u0000"', r'"\ud800"', r'"\udc00\ud800"'),
    *(r'"\ud83d\ude00"', '"\\\\u0000"', '"\x7f"', '"\u2028"', '"é"', '"' + "x" * 3000 + '"'),
)
_KEYS: Final = (
    "state",
    "boot",
    "next",
    "prev",
    "lost",
    "up",
    "now",
    "q",
    "kinds",
    "fw",
    "hw",
    "",
    r"\u0000",
    r"\ud800",
)
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252")
_DEPTHS: Final = (2, 30, 100, 300, 700, 900, 930, 960, 980, 990, 1000, 3000, 8000)


def odd_text(chance: random.Random, body: dict[str, Any]) -> bytes:
    """`body` in JSON with something odd about it; perhaps no JSON any more."""
    return chance.choice(_ODDITIES)(chance, body)


def _with_value(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _changed(chance, body, _value(chance))


def _with_depth(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _changed(chance, body, _deep(chance))


def _with_lost(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _changed(chance, body, _lost(chance), "lost")


def _with_width(chance: random.Random, body: dict[str, Any]) -> bytes:
    members = (f'"{chance.choice(_KEYS)}{number}":{_value(chance)}' for number in range(40))
    return _changed(chance, body, "{" + ",".join(members) + "}")


def _with_length(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _changed(chance, body, "[" + ",".join(["1"] * chance.randrange(6000)) + "]")


def _encoded(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _compact(body).encode(chance.choice(_ENCODINGS), "replace")


def _something_else(chance: random.Random, _body: dict[str, Any]) -> bytes:
    return chance.choice((b"", b"null", b"[]", b"1", b'"on"', b"{", b"{}", b'{"state":"on"}', b" " * 17_000))


_ODDITIES: Final = (_with_value, _with_depth, _with_lost, _with_width, _with_length, _encoded, _something_else)


def _changed(chance: random.Random, body: dict[str, Any], value: str, key: str | None = None) -> bytes:
    """`body` with one member of its own or a new one that has `value`, which need not be JSON."""
    own = [f"{json.dumps(name)}:{_compact(each)}" for name, each in body.items()]
    place = chance.randrange(len(own) + 1)
    name = key or chance.choice(_KEYS)
    own.insert(place, f'"{name}":{value}')
    return ("{" + ",".join(own) + "}").encode("utf-8", "surrogatepass")


def _value(chance: random.Random) -> str:
    return chance.choice(chance.choice((_NUMBERS, _WORDS)))


def _deep(chance: random.Random) -> str:
    depth = chance.choice(_DEPTHS) + chance.randrange(10)
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}")))
    return opening * depth + _value(chance) + closing * chance.choice((depth, depth, depth, depth - 1))


def _lost(chance: random.Random) -> str:
    """Intervals that a device gave up: many, overlapping, upside down, beyond all seqs."""
    edges = (0, 1, 2, 2047, 2048, 2049, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, chance.randrange(1 << 32))
    intervals = [
        f"[{chance.choice((1, 2, 3, 1 << 32))},{chance.choice(edges)},{chance.choice(edges)}]"
        for _ in range(chance.choice((1, 2, 5, 40)))
    ]
    return "[" + ",".join(intervals) + "]"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
