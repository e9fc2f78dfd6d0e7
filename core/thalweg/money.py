"""Exact money: integers, rationals and decimal text, never a float.

Money is counted in **atoms**, 10⁻⁶ of a currency's minor unit (for the euro, 10⁻⁸ €). Minor units appear once, at
settlement. Whatever is shared sums to the whole, and ties go by id, so that the order of a list never matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Final

from thalweg.decimals import fixed_point, rounded_division
from thalweg.errors import MoneyError

#: decimal places of an atom within a minor unit
ATOM_DIGITS: Final = 6
ATOMS_PER_MINOR_UNIT: Final = 10**ATOM_DIGITS
#: a plain decimal number: no exponent, no thousands separator
DECIMAL_PATTERN: Final = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"

_DECIMAL: Final = re.compile(DECIMAL_PATTERN)

#: ISO 4217, active codes by the number of digits of their minor unit
_CURRENCIES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
          CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
          IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN
          NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
          STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_MINOR_DIGITS: Final = {code: digits for digits, codes in _CURRENCIES.items() for code in codes.split()}


def minor_digits(currency: str) -> int:
    """Decimal places of the minor unit of `currency` (ISO 4217 code): 2 for EUR, 0 for JPY; raises MoneyError."""
    try:
        return _MINOR_DIGITS[currency]
    except KeyError:
        raise MoneyError(f"unknown currency {currency!r}; use a code of ISO 4217 such as EUR") from None


def atoms_per_major_unit(currency: str) -> int:
    """Atoms in one unit of `currency`: 100,000,000 for EUR."""
    atoms: int = 10 ** _places(currency)
    return atoms


def parse_decimal(text: str) -> Fraction:
    """The exact rational that the plain decimal `text` writes, such as `-0.50`; raises MoneyError."""
    if not _DECIMAL.fullmatch(text):
        raise MoneyError(f"{text!r} is no plain decimal number such as 12.50")
    return Fraction(text)


def parse_atoms(text: str, currency: str) -> int:
    """The decimal amount `text` of `currency` in atoms; raises MoneyError if it is finer than an atom."""
    atoms = parse_decimal(text) * atoms_per_major_unit(currency)
    if atoms.denominator != 1:
        raise MoneyError(f"{text} {currency} is finer than an atom; give at most {_places(currency)} decimal places")
    return atoms.numerator


def format_atoms(atoms: int, currency: str) -> str:
    """`atoms` as an exact decimal of `currency`: all digits that count, and at least those of the minor unit."""
    text = fixed_point(atoms, _places(currency))
    return (text[:-ATOM_DIGITS] + text[-ATOM_DIGITS:].rstrip("0")).rstrip(".")


def format_minor(minor: int, currency: str) -> str:
    """`minor` units as a decimal of `currency`: 315, EUR → 3.15."""
    return fixed_point(minor, minor_digits(currency))


def largest_remainder(total: int, weights: Mapping[str, Fraction | int]) -> dict[str, int]:
    """Divide the integer `total` in proportion to `weights` (id → weight ≥ 0), summing to it exactly.

    Each id gets its exact share rounded down, and the units left over go to the largest remainders, ties by id
    (Hamilton's method). An exact share that is whole is given exactly. A negative total mirrors the positive one.
    Raises MoneyError if a weight is negative or all are zero.
    """
    sum_of_weights = sum(weights.values(), Fraction(0))
    if sum_of_weights <= 0 or any(weight < 0 for weight in weights.values()):
        raise MoneyError("weights must not be negative, and one of them must be positive")
    if total < 0:
        return {name: -share for name, share in largest_remainder(-total, weights).items()}
    exact = {name: total * Fraction(weight) / sum_of_weights for name, weight in weights.items()}
    return round_to_sum(exact)


def settle(atoms: Mapping[str, int]) -> dict[str, int]:
    """Whole minor units for each id's `atoms`, summing exactly to the settled total.

    The settled total is the sum of all atoms, rounded half to even to minor units. Whole amounts stay as they are.
    """
    return _round_to_sum(atoms, ATOMS_PER_MINOR_UNIT)


def round_to_sum(exact: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole numbers that differ from `exact` by less than one each and sum to its sum, rounded half to even.

    Those with the largest remainders are rounded up, ties by id; whole numbers stay as they are.
    """
    common = lcm(*(amount.denominator for amount in exact.values()))
    numerators = {name: amount.numerator * (common // amount.denominator) for name, amount in exact.items()}
    return _round_to_sum(numerators, common)


def _round_to_sum(numerators: Mapping[str, int], denominator: int) -> dict[str, int]:
    """`round_to_sum` of fractions of one denominator."""
    total = rounded_division(sum(numerators.values()), denominator)
    shares = {name: numerator // denominator for name, numerator in numerators.items()}
    left_over = total - sum(shares.values())
    by_remainder = sorted(numerators, key=lambda name: (-(numerators[name] % denominator), name))
    for name in by_remainder[:left_over]:
        shares[name] += 1
    return shares


def _places(currency: str) -> int:
    return minor_digits(currency) + ATOM_DIGITS
