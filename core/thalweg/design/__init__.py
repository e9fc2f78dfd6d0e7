"""The value design document: what it may say, whether it is sound, and its content hash."""

from thalweg.design.completeness import PillarScore, completeness
from thalweg.design.document import Design, content_hash
from thalweg.design.shares import all_exchanges
from thalweg.design.validator import from_document, load, validate
from thalweg.errors import InvalidDesign, Problem

__all__ = [
    "Design",
    "InvalidDesign",
    "PillarScore",
    "Problem",
    "all_exchanges",
    "completeness",
    "content_hash",
    "from_document",
    "load",
    "validate",
]
