"""Writing exact numbers as decimals, without a float on the way."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def fixed_point(scaled: int, places: int) -> str:
    """`scaled` × 10^−`places` with exactly that many decimal places: 315, 2 → 3.15."""
    if places == 0:
        return str(scaled)
    whole, part = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}.{part:0{places}d}"


def rounded_decimal(value: Fraction | int, places: int) -> Decimal:
    """`value` rounded half to even at `places` decimal places, without trailing zeros; exact where that suffices."""
    text = fixed_point(_rounded(value.numerator * 10**places, value.denominator), places)
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _rounded(numerator: int, denominator: int) -> int:
    """To the nearest whole number, halves to the even one: what `round` does, without finding common divisors."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
