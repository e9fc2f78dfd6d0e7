"""Device ids for things that have names: readable, valid, and never the same for two names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

MAX_ID_CHARACTERS: Final = 32
_HASH_DIGITS: Final = 8


def device_ids(names: Iterable[str]) -> dict[str, str]:
    """An id for each name: its letters and digits in lower case, joined by hyphens.

    A name whose id would be empty, too long, or also that of another name gets the beginning of it and a short hash.
    """
    slugs = {name: _slug(name) for name in sorted(set(names))}
    uses = Counter(slugs.values())
    return {
        name: slug if slug and len(slug) <= MAX_ID_CHARACTERS and uses[slug] == 1 else _with_hash(slug, name)
        for name, slug in slugs.items()
    }


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _with_hash(slug: str, name: str) -> str:
    code = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    start = (slug or "station")[: MAX_ID_CHARACTERS - _HASH_DIGITS - 1].rstrip("-")
    return f"{start}-{code}"
