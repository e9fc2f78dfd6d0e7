"""Sharing charges by agreements: exact, summing to the whole, independent of the order of anything."""

from thalweg.allocation.fixed_parts import allocate
from thalweg.allocation.sharing import Portion, Shared, share
from thalweg.allocation.state import NEW, Account, State, Sums
from thalweg.allocation.terms import Terms, compile_terms

__all__ = ["NEW", "Account", "Portion", "Shared", "State", "Sums", "Terms", "allocate", "compile_terms", "share"]
