"""The profiles that ship with Thalweg, ready to use and commented for newcomers."""

from __future__ import annotations

from importlib.resources import files

from thalweg.profiles.document import Profile
from thalweg.profiles.loading import load


def names() -> list[str]:
    """Names of the shipped profiles, such as `boulder-sessions`."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def text(name: str) -> str:
    """The document `name` as it is written, comments included; raises KeyError with the names that there are."""
    if name not in names():
        raise KeyError(f"no profile {name!r}; there are {', '.join(names())}")
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def profile(name: str) -> Profile:
    """The validated profile of that name; raises KeyError with the names that there are."""
    return load(text(name))
