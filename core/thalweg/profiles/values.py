"""One value of a record: from what a file or payload says to an exact integer or a text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from thalweg.errors import UnreadableRecord
from thalweg.profiles.document import Rounding
from thalweg.wire.batch import MAX_STRING_BYTES
from thalweg.wire.varint import SIGNED_LIMIT

MAX_ID_CHARACTERS: Final = 32
_HASH_DIGITS: Final = 8
#: an exponent has two digits, so that a short text cannot make a long number
_NUMBER: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?")


def is_missing(value: object) -> bool:
    """Whether a record does not say: nothing, null, or a text of white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def number(value: object, what: str, *, decimal_comma: bool = False) -> Fraction:
    """The exact number that `value` is or writes; raises UnreadableRecord."""
    if type(value) is int:
        return Fraction(value)
    if isinstance(value, str | Decimal):
        written = str(value).strip()
        if decimal_comma:
            written = written.replace(",", ".")
        if _NUMBER.fullmatch(written):
            return Fraction(written)
    raise UnreadableRecord("bad_number", f"{what} is {value!r:.80}, no number")


def integer(exact: Fraction, rounding: Rounding, what: str) -> int:
    """`exact` as an integer of 64 bits; raises UnreadableRecord."""
    if exact.denominator == 1:
        rounded = exact.numerator
    elif rounding is Rounding.EXACT:
        raise UnreadableRecord("inexact", f"{what} is no whole number of smallest steps: {exact}")
    else:
        rounded = _rounded(exact, rounding)
    if not -SIGNED_LIMIT <= rounded < SIGNED_LIMIT:
        raise UnreadableRecord("bad_number", f"{what} has more than 64 bits: {rounded}")
    return rounded


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.HALF_EVEN:
        return round(exact)
    size = abs(exact) + (Fraction(1, 2) if rounding is Rounding.HALF_UP else 0)
    whole = size.numerator // size.denominator
    return -whole if exact < 0 else whole


def text(value: object, what: str) -> str:
    """`value` as a text that an event may carry; raises UnreadableRecord."""
    if isinstance(value, bool):
        words = "true" if value else "false"
    elif isinstance(value, str | int | Decimal):
        words = str(value).strip()
    else:
        raise UnreadableRecord("bad_text", f"{what} is {value!r:.80}, no text")
    if not words.isprintable():
        raise UnreadableRecord("bad_text", f"{what} holds unprintable characters")
    if len(words.encode(errors="replace")) > MAX_STRING_BYTES:
        raise UnreadableRecord("bad_text", f"{what} has more than {MAX_STRING_BYTES} bytes")
    return words


@lru_cache(maxsize=10_000)
def readable_id(name: str, what: str) -> str:
    """An id for `name`: its letters and digits in lower case, joined by hyphens; a long one ends with a short hash.

    Names that differ in nothing else have the same id. Raises UnreadableRecord where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not slug:
        raise UnreadableRecord("bad_id", f"{what} is {name!r:.80}: nothing of it can be part of an id")
    if len(slug) <= MAX_ID_CHARACTERS:
        return slug
    code = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{slug[: MAX_ID_CHARACTERS - _HASH_DIGITS - 1].rstrip('-')}-{code}"
