"""Sharing one amount by an agreement: exact, summing to the whole, independent of the order of anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from thalweg.design.terms import Agreement
from thalweg.money import largest_remainder


class Portion(NamedTuple):
    """What one step of an agreement gives to one role."""

    step: str
    role: str
    participant: str
    atoms: int


def allocate(agreement: Agreement, base_atoms: int, participants: Mapping[str, str]) -> tuple[Portion, ...]:
    """Share `base_atoms` by the steps of `agreement`; the portions sum to it exactly.

    `participants` says who fills each role that the agreement names. Each participant's sum is rounded by largest
    remainder (ties by participant id), then divided among the steps and roles that it gets it by, likewise. A
    negative base is shared like a positive one: recipients give back.
    """
    fractions: defaultdict[str, dict[tuple[str, str], Fraction]] = defaultdict(dict)
    for (step, role), fraction in _fractions(agreement).items():
        fractions[participants[role]][step, role] = fraction
    shares = largest_remainder(base_atoms, {name: sum(parts.values()) for name, parts in fractions.items()})
    return tuple(
        sorted(
            Portion(step, role, participant, atoms)
            for participant, parts in fractions.items()
            for (step, role), atoms in _divide(shares[participant], parts).items()
        )
    )


def _divide(share: int, parts: Mapping[tuple[str, str], Fraction]) -> dict[tuple[str, str], int]:
    """Divide one participant's share among the steps and roles that it gets it by."""
    if not any(parts.values()):
        return dict.fromkeys(parts, 0)
    # Ids hold no blank, so the two together are a key without doubt.
    atoms = largest_remainder(share, {f"{step} {role}": part for (step, role), part in parts.items()})
    return {(step, role): atoms[f"{step} {role}"] for step, role in parts}


def _fractions(agreement: Agreement) -> dict[tuple[str, str], Fraction]:
    """(step, role) → its part of the base; the parts sum to 1."""
    taken = sum((step.percent for step in agreement.steps), Fraction(0)) / 100
    parts = {}
    for step in agreement.steps:
        part = 1 - taken if step.is_remainder else step.percent / 100
        total_weight = sum(step.weights.values(), Fraction(0))
        for role, weight in step.weights.items():
            parts[step.id, role] = part * weight / total_weight
    return parts
