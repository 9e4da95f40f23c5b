"""Tracking numbers: the public id of an application, e.g. `LBG-7F3K-9QXD-2M4T-8HVZ-C`.

An office prefix of three letters, 16 Crockford base-32 characters (80 random bits) and Crockford's
mod-37 check character. The number reveals status and timeline only; it is never derived from personal data.

Source: Douglas Crockford, "Base 32" (alphabet without I, L, O, U; check symbols `*~$=U`).
"""

import re
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_ALPHABET: Final = ALPHABET + "*~$=U"
RANDOM_BYTES: Final = 10
"""How many random bytes one number holds (80 bits)."""

_SYMBOLS: Final = 16
_LONGEST_TYPED: Final = 100
"""Bounds the work on hostile input; a number with a space after every character is half as long."""
_symbols: Final = re.compile(f"[{ALPHABET}]{{{_SYMBOLS}}}")
_NUMERALS: Final = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""The same values in the digits that `int` reads in base 32."""
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class InvalidNumber(ValueError):
    """The text is no tracking number: wrong length, alphabet or check character."""


def format_number(prefix: str, random: bytes) -> str:
    """The tracking number of `random` (exactly 10 bytes) under the office's `prefix` (three letters A-Z)."""
    if len(random) != RANDOM_BYTES:
        raise InvalidNumber(f"a tracking number holds {RANDOM_BYTES} random bytes, not {len(random)}")
    value = int.from_bytes(random)
    symbols = "".join(ALPHABET[(value >> shift) & 31] for shift in range(75, -1, -5))
    return _grouped(_checked(prefix), symbols, CHECK_ALPHABET[value % 37])


def parse_number(text: str) -> str:
    """The canonical form of a number as a person may type it: any case, spaces or hyphens anywhere, O for 0, I or L for 1.

    Raises `InvalidNumber` when it cannot be one.
    """
    if len(text) > _LONGEST_TYPED or not text.isascii():
        raise InvalidNumber("a tracking number has letters A-Z, digits, hyphens and a check character only")
    stripped = text.strip().upper()
    prefix, rest = stripped[:3], stripped[3:].translate(_MISREAD)
    if len(rest) != _SYMBOLS + 1:
        raise InvalidNumber("a tracking number has 16 characters and a check character after the office's letters")
    symbols, check = rest[:_SYMBOLS], rest[_SYMBOLS]
    if not _symbols.fullmatch(symbols):
        raise InvalidNumber("a tracking number has a character that is never used")
    if CHECK_ALPHABET[int(symbols.translate(_NUMERALS), 32) % 37] != check:
        raise InvalidNumber("the check character does not fit: a character was mistyped")
    return _grouped(_checked(prefix), symbols, check)


def _checked(prefix: str) -> str:
    if not (len(prefix) == 3 and prefix.isascii() and prefix.isalpha() and prefix.isupper()):
        raise InvalidNumber("an office prefix is three letters A-Z")
    return prefix


def _grouped(prefix: str, symbols: str, check: str) -> str:
    return f"{prefix}-{symbols[:4]}-{symbols[4:8]}-{symbols[8:12]}-{symbols[12:]}-{check}"
