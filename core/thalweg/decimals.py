"""Writing exact numbers as decimals, without a float on the way."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def fixed_point(scaled: int, places: int) -> str:
    """`scaled` × 10^−`places` with exactly that many decimal places: 315, 2 → 3.15."""
    if places == 0:
        return str(scaled)
    digits = str(abs(scaled)).zfill(places + 1)
    return f"{'-' if scaled < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def rounded_decimal(value: Fraction | int, places: int) -> Decimal:
    """`value` rounded half to even at `places` decimal places, without trailing zeros; exact where that suffices."""
    return rounded_quotient(value.numerator, value.denominator, places)


def rounded_quotient(numerator: int, denominator: int, places: int) -> Decimal:
    """The same of a quotient, which need not be in its lowest terms; `denominator` is positive."""
    text = fixed_point(rounded_division(numerator * 10**places, denominator), places)
    return Decimal(text.rstrip("0").rstrip(".") if places else text)


def rounded_division(numerator: int, denominator: int) -> int:
    """To the nearest whole number, halves to the even one: what `round` does, without finding common divisors."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
