"""The one door into a profile: every problem of a document at once, or the profile."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thalweg.design.meters import digest
from thalweg.design.text import parse
from thalweg.errors import DesignError, InvalidDesign, InvalidProfile, MoneyError, Problem, UnitError
from thalweg.profiles.document import Profile
from thalweg.profiles.reader import Reader


def load(text: str) -> Profile:
    """The profile that the YAML or JSON `text` describes; raises InvalidProfile with what is wrong."""
    try:
        document = parse(text)
    except InvalidDesign as error:  # what is no YAML is none here either
        raise InvalidProfile(error.problems) from None
    try:
        profile = Profile.model_validate(document)
    except ValidationError as error:
        raise InvalidProfile([_problem(each) for each in _own(error.errors(include_url=False))]) from None
    try:
        Reader(profile)
    except (ValueError, DesignError, MoneyError, UnitError) as error:
        raise InvalidProfile([Problem("", str(error), "correct it")]) from None
    return profile


def profile_hash(profile: Profile) -> str:
    """32 hex digits over what the profile says; layout, comments and defaults written out do not count."""
    return digest(profile.model_dump(mode="json", exclude_defaults=True))


def _own(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without lists that are too short only because their entries are invalid, which are reported themselves."""
    return [each for each in found if not (each["type"] == "too_short" and each["input"])]


def _problem(details: ErrorDetails) -> Problem:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in details["loc"]).lstrip(".")
    key = details["loc"][-1] if details["loc"] else ""
    match details["type"]:
        case "missing":
            return Problem(path, "it is missing", f"add `{key}:`")
        case "extra_forbidden":
            return Problem(path, f"unknown key {key!r}", "remove it or correct its spelling")
        case _:
            return Problem(path, details["msg"].removeprefix("Value error, "), "correct the value")
