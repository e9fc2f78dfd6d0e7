"""The value designs that ship with Thalweg, ready to run and commented for newcomers."""

from __future__ import annotations

from importlib.resources import files

from thalweg.design import Design, load


def names() -> list[str]:
    """Names of the shipped designs, such as `ev-charging`."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def text(name: str) -> str:
    """The document `name` as it is written, comments included; raises KeyError with the names that there are."""
    if name not in names():
        raise KeyError(f"no example {name!r}; there are {', '.join(names())}")
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def example(name: str) -> Design:
    """The validated design of that name; raises KeyError with the names that there are."""
    return load(text(name))
