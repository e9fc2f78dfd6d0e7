"""Designs as commands name them: files, shipped examples, or versions of a store."""

from __future__ import annotations

from pathlib import Path

from thalweg import examples
from thalweg.design import Design, load
from thalweg.errors import DesignError, InvalidDesign, SetupError
from thalweg_app.operating import opened_store


def design_text(name: str, data: Path | None = None, ecosystem: str | None = None) -> str:
    """The document that `name` means: a file's, a shipped one's, or with a number that version's of the store.

    Raises SetupError where there is none.
    """
    path = Path(name)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise SetupError(f"{name} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SetupError(f"{name} is not UTF-8 text") from None
    if name.isdecimal():
        with opened_store(data, ecosystem) as opened:
            from thalweg_store.designs import design_version  # noqa: PLC0415 - the base installation has no database

            return design_version(opened.database, opened.ecosystem, int(name)).document
    if name not in examples.names():
        known = ", ".join(examples.names())
        raise SetupError(f"{name!r} is no file, no version number, and no shipped design; these are {known}")
    return examples.text(name)


def read_design(name: str, data: Path | None = None, ecosystem: str | None = None) -> Design:
    """The sound design that `name` means; raises SetupError, and DesignError with every problem."""
    return loaded(name, design_text(name, data, ecosystem))


def loaded(name: str, document: str) -> Design:
    """The sound design that `document`, called `name`, describes; raises DesignError with every problem."""
    try:
        return load(document)
    except InvalidDesign as error:
        raise DesignError(f"{name}: {error}") from None
