"""Designs of documents that were validated when they were activated, compiled once."""

from __future__ import annotations

from functools import lru_cache

from thalweg.design import Design, load
from thalweg.plan import DesignPlan, compile_design


@lru_cache(maxsize=64)
def design_of(document: str) -> Design:
    """The design of a document."""
    return load(document)


@lru_cache(maxsize=64)
def plan_of(document: str) -> DesignPlan:
    """The compiled design."""
    return compile_design(design_of(document))


@lru_cache(maxsize=64)
def meters_of(document: str) -> frozenset[str]:
    """The content hashes of the meters that its figures come from."""
    return frozenset(plan_of(document).meters)
